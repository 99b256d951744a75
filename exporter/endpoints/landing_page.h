#ifndef JEMALLOC_EXPORTER_EXPORTER_ENDPOINTS_LANDING_PAGE_H_
#define JEMALLOC_EXPORTER_EXPORTER_ENDPOINTS_LANDING_PAGE_H_

#include <string>
#include <vector>

#include "exporter/endpoints/heap_history.h"
#include "exporter/process/process.h"

namespace jemalloc_exporter {

/// The page at `/` as UTF-8 HTML: the processes with their heaps, a picture of
/// the last minutes for each, and where the metrics are. Loads nothing and
/// needs no JavaScript.
std::string LandingPage(const std::vector<Process>& processes,
                        const HeapHistory& history, HeapHistory::Time now,
                        const std::string& telemetry_path);

}  // namespace jemalloc_exporter

#endif  // JEMALLOC_EXPORTER_EXPORTER_ENDPOINTS_LANDING_PAGE_H_
