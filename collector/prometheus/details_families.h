#ifndef JEMALLOC_EXPORTER_COLLECTOR_PROMETHEUS_DETAILS_FAMILIES_H_
#define JEMALLOC_EXPORTER_COLLECTOR_PROMETHEUS_DETAILS_FAMILIES_H_

#include <prometheus/client_metric.h>
#include <prometheus/metric_family.h>

#include <memory>
#include <vector>

#include "jemalloc_exporter/heap_details.h"

namespace jemalloc_exporter {

/// The details of a heap, and the labels of its series.
struct LabelledDetails {
  std::shared_ptr<const HeapDetails> details;
  std::vector<prometheus::ClientMetric::Label> labels;
};

/// The sets `bins`, `sizes` and `locks` of the heaps. No family is empty.
/// Arenas have no series, because their number grows with that of processors.
std::vector<prometheus::MetricFamily> DetailsFamilies(
    const std::vector<LabelledDetails>& heaps);

}  // namespace jemalloc_exporter

#endif  // JEMALLOC_EXPORTER_COLLECTOR_PROMETHEUS_DETAILS_FAMILIES_H_
