#ifndef JEMALLOC_EXPORTER_COLLECTOR_JEMALLOC_HEAP_SNAPSHOT_H_
#define JEMALLOC_EXPORTER_COLLECTOR_JEMALLOC_HEAP_SNAPSHOT_H_

#include "jemalloc_exporter/heap_reader.h"

namespace jemalloc_exporter {

/// `ReadHeap` without sharing: always a refresh of its own, without a lock or
/// state. Calls nothing outside libc and `mallctl`: the agent uses it.
HeapSnapshot TakeHeapSnapshot(Mallctl* mallctl) noexcept;

}  // namespace jemalloc_exporter

#endif  // JEMALLOC_EXPORTER_COLLECTOR_JEMALLOC_HEAP_SNAPSHOT_H_
