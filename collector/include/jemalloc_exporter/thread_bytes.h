#ifndef JEMALLOC_EXPORTER_THREAD_BYTES_H_
#define JEMALLOC_EXPORTER_THREAD_BYTES_H_

#include <cstdint>
#include <optional>

#include "jemalloc_exporter/heap_reader.h"

namespace jemalloc_exporter {

/// What one thread has ever asked of jemalloc and given back, in bytes rounded
/// up to size classes. Both only grow. Memory that one thread allocates and
/// another frees is in the first thread's `allocated` and the second's `freed`.
struct ThreadBytes {
  /// Source: jemalloc(3), `thread.allocatedp`.
  std::uint64_t allocated = 0;
  /// Source: jemalloc(3), `thread.deallocatedp`.
  std::uint64_t freed = 0;
};

/// The calling thread's counters, exact and live: no epoch, no lock, less than
/// a microsecond. Absent where there is no jemalloc or it does not say; in a
/// thread that does not allocate from jemalloc they stand still. Allocates
/// nothing, never throws. Thread-safe.
std::optional<ThreadBytes> ReadThreadBytes(
    Mallctl* mallctl = FindMallctl()) noexcept;

}  // namespace jemalloc_exporter

#endif  // JEMALLOC_EXPORTER_THREAD_BYTES_H_
