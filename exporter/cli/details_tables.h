#ifndef JEMALLOC_EXPORTER_EXPORTER_CLI_DETAILS_TABLES_H_
#define JEMALLOC_EXPORTER_EXPORTER_CLI_DETAILS_TABLES_H_

#include <string>

#include "jemalloc_exporter/heap_details.h"

namespace jemalloc_exporter {

/// Returns a table for each set that is present, an empty line before each: the
/// bins by decreasing holes, at most 20 size classes by decreasing requested
/// bytes, the mutexes by decreasing wait time, the arenas by index, the
/// extents by size. `-` is an absent value.
std::string DetailsTables(const HeapDetails& details);

}  // namespace jemalloc_exporter

#endif  // JEMALLOC_EXPORTER_EXPORTER_CLI_DETAILS_TABLES_H_
