#ifndef JEMALLOC_EXPORTER_EXPORTER_EXPOSITION_LABELS_H_
#define JEMALLOC_EXPORTER_EXPORTER_EXPOSITION_LABELS_H_

#include <prometheus/client_metric.h>
#include <prometheus/metric_type.h>

#include <string>
#include <vector>

namespace jemalloc_exporter {

/// The labels of a metric of this type as both formats write them, without the
/// braces: `a="x",b="y"`. Only what is legal, ordered by name: the same text
/// for the same labels.
std::string LabelSetText(
    const std::vector<prometheus::ClientMetric::Label>& labels,
    prometheus::MetricType type);

}  // namespace jemalloc_exporter

#endif  // JEMALLOC_EXPORTER_EXPORTER_EXPOSITION_LABELS_H_
