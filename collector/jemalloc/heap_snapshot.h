#ifndef JEMALLOC_EXPORTER_COLLECTOR_JEMALLOC_HEAP_SNAPSHOT_H_
#define JEMALLOC_EXPORTER_COLLECTOR_JEMALLOC_HEAP_SNAPSHOT_H_

#include "jemalloc_exporter/heap_details.h"
#include "jemalloc_exporter/heap_reader.h"

namespace jemalloc_exporter {

/// What a snapshot reads: `kState` takes 8 calls of mallctl, `kAll` about 125,
/// and one more for each lock with waits.
enum class SnapshotScope { kState, kAll };

/// `ReadHeap` without sharing: always a refresh of its own, without a lock or
/// state. Calls nothing outside libc and `mallctl`: the agent uses it. With
/// `kState`, statistics and options are absent.
HeapSnapshot TakeHeapSnapshot(
    Mallctl* mallctl, SnapshotScope scope = SnapshotScope::kAll) noexcept;

/// The same, and the requested sets as of the same refresh, in `details`.
HeapSnapshot TakeHeapSnapshot(Mallctl* mallctl, HeapDetailSets requested,
                              HeapDetails* details) noexcept;

}  // namespace jemalloc_exporter

#endif  // JEMALLOC_EXPORTER_COLLECTOR_JEMALLOC_HEAP_SNAPSHOT_H_
