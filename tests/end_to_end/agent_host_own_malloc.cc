// An allocator of the program's own, as Chromium has one: jemalloc, where it is
// preloaded, is not the program's malloc.

#include <cstddef>
#include <cstdlib>

extern "C" {
// NOLINTBEGIN(bugprone-reserved-identifier): those of glibc.
void* __libc_malloc(std::size_t size);
void* __libc_calloc(std::size_t count, std::size_t size);
void* __libc_realloc(void* block, std::size_t size);
void* __libc_memalign(std::size_t alignment, std::size_t size);
void __libc_free(void* block);
// NOLINTEND(bugprone-reserved-identifier)

void* malloc(std::size_t size) noexcept { return __libc_malloc(size); }
void* calloc(std::size_t count, std::size_t size) noexcept {
  return __libc_calloc(count, size);
}
void* realloc(void* block, std::size_t size) noexcept {
  return __libc_realloc(block, size);
}
void free(void* block) noexcept { __libc_free(block); }
int posix_memalign(void** block, std::size_t alignment,
                   std::size_t size) noexcept {
  *block = __libc_memalign(alignment, size);
  return *block != nullptr ? 0 : 12;
}
}
