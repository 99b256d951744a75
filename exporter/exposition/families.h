#ifndef JEMALLOC_EXPORTER_EXPORTER_EXPOSITION_FAMILIES_H_
#define JEMALLOC_EXPORTER_EXPORTER_EXPOSITION_FAMILIES_H_

#include <prometheus/client_metric.h>
#include <prometheus/metric_family.h>
#include <prometheus/metric_type.h>

#include <string>
#include <string_view>
#include <vector>

namespace jemalloc_exporter {

/// One metric of a family: its values and its serialized labels.
struct MergedMetric {
  /// `a="x",b="y"`: legal, escaped, sorted by name; equal for equal label sets.
  std::string labels;
  const prometheus::ClientMetric* values;
};

/// A family as both formats write it, once per exposition.
struct MergedFamily {
  std::string_view name;
  /// The name in OpenMetrics metadata: `name`, or `x` for a counter `x_total`
  /// unless that clashes with another family.
  std::string_view open_metrics_name;
  std::string_view help;
  prometheus::MetricType type;
  std::vector<MergedMetric> metrics;
};

/// Merges families of equal name and drops what has no legal representation, by
/// the rules of jemalloc_exporter/exposition.h. The result refers to
/// `families`.
std::vector<MergedFamily> MergeFamilies(
    const std::vector<prometheus::MetricFamily>& families);

}  // namespace jemalloc_exporter

#endif  // JEMALLOC_EXPORTER_EXPORTER_EXPOSITION_FAMILIES_H_
