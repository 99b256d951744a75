#ifndef JEMALLOC_EXPORTER_EXPORTER_ENDPOINTS_MEMORY_CHARTS_H_
#define JEMALLOC_EXPORTER_EXPORTER_ENDPOINTS_MEMORY_CHARTS_H_

#include <cstdint>
#include <string>
#include <vector>

#include "exporter/endpoints/heap_history.h"

namespace jemalloc_exporter {

/// One instant's memory as an SVG bar of full width: one segment for each use,
/// with a tooltip. Each segment has the CSS class of its use.
std::string MemoryBar(const MemoryBreakdown& memory);

/// The largest total of the points, at least 1.
std::uint64_t MaxTotal(const std::vector<HeapHistory::Point>& points);

/// A history as an SVG of stacked areas, from `start` on the left to `now` on
/// the right, from 0 to the largest total. Each area has the CSS class of its
/// use. Empty with fewer than two points.
std::string MemoryPlot(const std::vector<HeapHistory::Point>& points,
                       HeapHistory::Time start, HeapHistory::Time now);

}  // namespace jemalloc_exporter

#endif  // JEMALLOC_EXPORTER_EXPORTER_ENDPOINTS_MEMORY_CHARTS_H_
