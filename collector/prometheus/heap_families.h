#ifndef JEMALLOC_EXPORTER_COLLECTOR_PROMETHEUS_HEAP_FAMILIES_H_
#define JEMALLOC_EXPORTER_COLLECTOR_PROMETHEUS_HEAP_FAMILIES_H_

#include <prometheus/client_metric.h>
#include <prometheus/metric_family.h>

#include <vector>

#include "jemalloc_exporter/heap_state.h"

namespace jemalloc_exporter {

/// A heap, and the labels that tell it from others.
struct LabelledHeap {
  HeapState state;
  std::vector<prometheus::ClientMetric::Label> labels;
};

/// The heaps as gauges: for each field of `HeapState` the family of those that
/// have it, in the order of `kHeapFields`. A field that none has gets no
/// family.
std::vector<prometheus::MetricFamily> HeapFamilies(
    const std::vector<LabelledHeap>& heaps);

}  // namespace jemalloc_exporter

#endif  // JEMALLOC_EXPORTER_COLLECTOR_PROMETHEUS_HEAP_FAMILIES_H_
