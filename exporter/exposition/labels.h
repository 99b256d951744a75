#ifndef JEMALLOC_EXPORTER_EXPORTER_EXPOSITION_LABELS_H_
#define JEMALLOC_EXPORTER_EXPORTER_EXPOSITION_LABELS_H_

#include <prometheus/client_metric.h>
#include <prometheus/metric_type.h>

#include <string>
#include <vector>

namespace jemalloc_exporter {

/// Returns the labels of a metric of this type as both formats write them,
/// without braces: `a="x",b="y"`. Illegal labels are dropped and the rest are
/// sorted by name, so that equal label sets give equal text.
std::string LabelSetText(
    const std::vector<prometheus::ClientMetric::Label>& labels,
    prometheus::MetricType type);

}  // namespace jemalloc_exporter

#endif  // JEMALLOC_EXPORTER_EXPORTER_EXPOSITION_LABELS_H_
