#ifndef JEMALLOC_EXPORTER_EXPORTER_ENDPOINTS_SPARKLINE_H_
#define JEMALLOC_EXPORTER_EXPORTER_ENDPOINTS_SPARKLINE_H_

#include <string>
#include <vector>

#include "exporter/endpoints/heap_history.h"

namespace jemalloc_exporter {

/// A heap's history as a small SVG for an HTML page: from `HeapHistory::kSpan`
/// before `now` on the left to `now` on the right, from 0 to the most resident
/// bytes. The classes `allocated` (a line) and `resident` (an area) await the
/// page's colours. Empty without points.
std::string Sparkline(const std::vector<HeapHistory::Point>& points,
                      HeapHistory::Time now);

}  // namespace jemalloc_exporter

#endif  // JEMALLOC_EXPORTER_EXPORTER_ENDPOINTS_SPARKLINE_H_
