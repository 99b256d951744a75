#ifndef JEMALLOC_EXPORTER_COLLECTOR_JEMALLOC_UNUSED_JEMALLOC_H_
#define JEMALLOC_EXPORTER_COLLECTOR_JEMALLOC_UNUSED_JEMALLOC_H_

#include "jemalloc_exporter/heap_reader.h"

namespace jemalloc_exporter {

/// Whether a jemalloc is linked, but nothing allocates from it: no byte of
/// `state`, which was read of it, is allocated beyond its own. False where that
/// cannot be determined. Such a heap is not published: see
/// `HeapSnapshot::visible_state`. Allocates nothing, needs libc only.
bool IsUnused(Mallctl* mallctl, const HeapState& state) noexcept;

}  // namespace jemalloc_exporter

#endif  // JEMALLOC_EXPORTER_COLLECTOR_JEMALLOC_UNUSED_JEMALLOC_H_
