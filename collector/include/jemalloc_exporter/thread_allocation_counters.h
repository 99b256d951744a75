#ifndef JEMALLOC_EXPORTER_THREAD_ALLOCATION_COUNTERS_H_
#define JEMALLOC_EXPORTER_THREAD_ALLOCATION_COUNTERS_H_

#include <cstdint>
#include <optional>

#include "jemalloc_exporter/heap_reader.h"

namespace jemalloc_exporter {

/// Bytes that one thread has allocated from jemalloc and deallocated since its
/// start, rounded up to size classes. Both only grow. Memory that one thread
/// allocates and another frees counts as `allocated` of the first and as
/// `deallocated` of the second.
struct ThreadAllocationCounters {
  /// Source: jemalloc(3), `thread.allocatedp`.
  std::uint64_t allocated = 0;
  /// Source: jemalloc(3), `thread.deallocatedp`.
  std::uint64_t deallocated = 0;
};

/// Returns the counters of the calling thread, exact and live: no epoch, no
/// lock, less than 1 us. Absent without jemalloc, or where it has no
/// statistics; constant in a thread that does not allocate from jemalloc.
/// Allocates nothing, never throws. Thread-safe.
std::optional<ThreadAllocationCounters> ReadThreadAllocationCounters(
    Mallctl* mallctl = FindMallctl()) noexcept;

}  // namespace jemalloc_exporter

#endif  // JEMALLOC_EXPORTER_THREAD_ALLOCATION_COUNTERS_H_
