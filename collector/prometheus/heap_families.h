#ifndef JEMALLOC_EXPORTER_COLLECTOR_PROMETHEUS_HEAP_FAMILIES_H_
#define JEMALLOC_EXPORTER_COLLECTOR_PROMETHEUS_HEAP_FAMILIES_H_

#include <prometheus/client_metric.h>
#include <prometheus/metric_family.h>

#include <vector>

#include "jemalloc_exporter/heap_state.h"

namespace jemalloc_exporter {

/// The state of a heap, and the labels of its series.
struct LabelledHeap {
  HeapState state;
  std::vector<prometheus::ClientMetric::Label> labels;
};

/// The heaps as gauges: a family for each field of `HeapState`, in the order of
/// `kHeapFields`, of the heaps in which it is present. No family is empty.
std::vector<prometheus::MetricFamily> HeapFamilies(
    const std::vector<LabelledHeap>& heaps);

}  // namespace jemalloc_exporter

#endif  // JEMALLOC_EXPORTER_COLLECTOR_PROMETHEUS_HEAP_FAMILIES_H_
