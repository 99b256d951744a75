#ifndef JEMALLOC_EXPORTER_COLLECTOR_JEMALLOC_HEAP_REFRESH_H_
#define JEMALLOC_EXPORTER_COLLECTOR_JEMALLOC_HEAP_REFRESH_H_

#include "jemalloc_exporter/heap_reader.h"

namespace jemalloc_exporter {

/// `ReadHeap` without its sharing: always a refresh of its own, no lock, no
/// state, nothing needed but libc. What the agent calls in its host.
HeapReading RefreshHeap(Mallctl* mallctl) noexcept;

}  // namespace jemalloc_exporter

#endif  // JEMALLOC_EXPORTER_COLLECTOR_JEMALLOC_HEAP_REFRESH_H_
