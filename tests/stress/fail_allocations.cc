// Preloaded into a program, fails the allocation that `Control` selects.
// STRESS_CONTROL is the path of the file that contains it.

#include <dlfcn.h>

#include <cerrno>
#include <cstddef>
#include <cstdlib>
#include <new>

#include "tests/stress/control.h"

namespace {

using jemalloc_exporter::Control;

Control* control = nullptr;

__attribute__((constructor)) void FindControl() {
  const char* const path = std::getenv("STRESS_CONTROL");
  if (path != nullptr) control = jemalloc_exporter::MapControl(path);
}

bool Fails() {
  if (control == nullptr || !control->Fails()) return false;
  errno = ENOMEM;
  return true;
}

template <typename Function>
Function* Next(const char* name) {
  return reinterpret_cast<Function*>(dlsym(RTLD_NEXT, name));
}

void* Allocate(std::size_t size, std::size_t alignment) {
  void* memory = nullptr;
  return posix_memalign(&memory, alignment, size) == 0 ? memory : nullptr;
}

void* OrThrow(void* memory) {
  if (memory == nullptr) throw std::bad_alloc();
  return memory;
}

}  // namespace

extern "C" {

void* malloc(std::size_t size) {
  static auto* const next = Next<void*(std::size_t)>("malloc");
  return Fails() ? nullptr : next(size);
}

void* calloc(std::size_t count, std::size_t size) {
  static auto* const next = Next<void*(std::size_t, std::size_t)>("calloc");
  return Fails() ? nullptr : next(count, size);
}

void* realloc(void* memory, std::size_t size) {
  static auto* const next = Next<void*(void*, std::size_t)>("realloc");
  return Fails() ? nullptr : next(memory, size);
}

int posix_memalign(void** memory, std::size_t alignment, std::size_t size) {
  static auto* const next =
      Next<int(void**, std::size_t, std::size_t)>("posix_memalign");
  return Fails() ? ENOMEM : next(memory, alignment, size);
}

}  // extern "C"

void* operator new(std::size_t size) { return OrThrow(malloc(size)); }
void* operator new[](std::size_t size) { return OrThrow(malloc(size)); }
void* operator new(std::size_t size, const std::nothrow_t&) noexcept {
  return malloc(size);
}
void* operator new[](std::size_t size, const std::nothrow_t&) noexcept {
  return malloc(size);
}
void* operator new(std::size_t size, std::align_val_t alignment) {
  return OrThrow(Allocate(size, static_cast<std::size_t>(alignment)));
}
