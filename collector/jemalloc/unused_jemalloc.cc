#include "collector/jemalloc/unused_jemalloc.h"

#include <cstddef>

#include "collector/jemalloc/mallctl_value.h"

namespace jemalloc_exporter {
namespace {

// The merged statistics of all arenas: MALLCTL_ARENAS_ALL in jemalloc.h. The
// caches of threads that called this jemalloc, the calling one included.
constexpr const char* kInternalBytes = "stats.arenas.4096.internal";

}  // namespace

bool IsUnused(Mallctl* mallctl, const HeapState& state) noexcept {
  if (!state.allocated_bytes) return false;
  return *state.allocated_bytes <=
         ReadAs<std::size_t>(mallctl, kInternalBytes).value_or(0);
}

}  // namespace jemalloc_exporter
