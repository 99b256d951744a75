#ifndef JEMALLOC_EXPORTER_EXPORTER_EXPOSITION_FAMILIES_H_
#define JEMALLOC_EXPORTER_EXPORTER_EXPOSITION_FAMILIES_H_

#include <prometheus/client_metric.h>
#include <prometheus/metric_family.h>
#include <prometheus/metric_type.h>

#include <string>
#include <string_view>
#include <vector>

namespace jemalloc_exporter {

/// One metric of a family: its values, and its labels as they are written.
struct MergedMetric {
  /// `a="x",b="y"`: legal, escaped, ordered by name; the same for equal labels.
  std::string labels;
  const prometheus::ClientMetric* values;
};

/// A family as both formats write it, once on a page.
struct MergedFamily {
  std::string_view name;
  /// What OpenMetrics calls it: `name`, but for a counter `x_total` `x`, unless
  /// that would clash with another family.
  std::string_view open_metrics_name;
  std::string_view help;
  prometheus::MetricType type;
  std::vector<MergedMetric> metrics;
};

/// Merges families of the same name, and leaves out what cannot be told; the
/// rules are in jemalloc_exporter/exposition.h. Refers to its argument.
std::vector<MergedFamily> MergeFamilies(
    const std::vector<prometheus::MetricFamily>& families);

}  // namespace jemalloc_exporter

#endif  // JEMALLOC_EXPORTER_EXPORTER_EXPOSITION_FAMILIES_H_
