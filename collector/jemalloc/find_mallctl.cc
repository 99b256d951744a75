#include "collector/jemalloc/mallctl_names.h"
#include "jemalloc_exporter/heap_reader.h"

extern "C" {
__attribute__((weak)) int mallctl(const char* name, void* oldp,
                                  std::size_t* oldlenp, void* newp,
                                  std::size_t newlen);
__attribute__((weak)) int je_mallctl(const char* name, void* oldp,
                                     std::size_t* oldlenp, void* newp,
                                     std::size_t newlen);
// NOLINTNEXTLINE(bugprone-reserved-identifier): the crate's prefix.
__attribute__((weak)) int _rjem_mallctl(const char* name, void* oldp,
                                        std::size_t* oldlenp, void* newp,
                                        std::size_t newlen);
}

namespace jemalloc_exporter {

std::array<NamedMallctl, 3> ReferencedMallctls() noexcept {
  return {
      {{"", &::mallctl}, {"je_", &::je_mallctl}, {"_rjem_", &::_rjem_mallctl}}};
}

Mallctl* FindMallctl() noexcept {
  for (const NamedMallctl& mallctl : ReferencedMallctls()) {
    if (mallctl.function != nullptr) return mallctl.function;
  }
  return nullptr;
}

}  // namespace jemalloc_exporter
