#include "jemalloc_exporter/heap_reader.h"

extern "C" __attribute__((weak)) int mallctl(const char* name, void* oldp,
                                             std::size_t* oldlenp, void* newp,
                                             std::size_t newlen);

namespace jemalloc_exporter {

Mallctl* FindMallctl() noexcept { return &::mallctl; }

}  // namespace jemalloc_exporter
