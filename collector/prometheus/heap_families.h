#ifndef JEMALLOC_EXPORTER_COLLECTOR_PROMETHEUS_HEAP_FAMILIES_H_
#define JEMALLOC_EXPORTER_COLLECTOR_PROMETHEUS_HEAP_FAMILIES_H_

#include <prometheus/client_metric.h>
#include <prometheus/metric_family.h>

#include <vector>

#include "jemalloc_exporter/heap_options.h"
#include "jemalloc_exporter/heap_state.h"
#include "jemalloc_exporter/heap_statistics.h"

namespace jemalloc_exporter {

/// The numbers of a heap, and the labels of its series.
struct LabelledHeap {
  HeapState state;
  HeapStatistics statistics;
  HeapOptions options;
  std::vector<prometheus::ClientMetric::Label> labels;
};

/// The families of heaps, in the order of `kHeapFields` and `kHeapStatistics`,
/// then `jemalloc_options_info`, each of the heaps in which it is present. No
/// family is empty. Names and HELP are those of the rows: see heap_state.h and
/// heap_statistics.h.
std::vector<prometheus::MetricFamily> HeapFamilies(
    const std::vector<LabelledHeap>& heaps, HeapCollectors collectors);

}  // namespace jemalloc_exporter

#endif  // JEMALLOC_EXPORTER_COLLECTOR_PROMETHEUS_HEAP_FAMILIES_H_
