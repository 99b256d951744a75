#ifndef JEMALLOC_EXPORTER_COLLECTOR_JEMALLOC_DETAILS_READER_H_
#define JEMALLOC_EXPORTER_COLLECTOR_JEMALLOC_DETAILS_READER_H_

#include "jemalloc_exporter/heap_details.h"

namespace jemalloc_exporter {

/// Reads the requested sets as of the last refresh. Calls nothing outside libc
/// and `mallctl`: the agent uses it.
void ReadDetails(Mallctl* mallctl, HeapDetailSets requested,
                 HeapDetails* details);

}  // namespace jemalloc_exporter

#endif  // JEMALLOC_EXPORTER_COLLECTOR_JEMALLOC_DETAILS_READER_H_
