#ifndef JEMALLOC_EXPORTER_COLLECTOR_JEMALLOC_STATISTICS_READER_H_
#define JEMALLOC_EXPORTER_COLLECTOR_JEMALLOC_STATISTICS_READER_H_

#include "jemalloc_exporter/heap_options.h"
#include "jemalloc_exporter/heap_reader.h"
#include "jemalloc_exporter/heap_statistics.h"

namespace jemalloc_exporter {

/// Reads the statistics of the last refresh, all but `refresh_nanoseconds`.
/// `narenas` is the limit on the number of arenas. A value that cannot be read
/// is absent, and those that are computed of it. Allocates nothing, needs libc
/// only.
HeapStatistics ReadStatistics(Mallctl* mallctl,
                              std::optional<std::uint64_t> narenas);

/// Reads the options. Allocates nothing, needs libc only.
HeapOptions ReadOptions(Mallctl* mallctl);

}  // namespace jemalloc_exporter

#endif  // JEMALLOC_EXPORTER_COLLECTOR_JEMALLOC_STATISTICS_READER_H_
