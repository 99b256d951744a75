#ifndef JEMALLOC_EXPORTER_EXPORTER_METRICS_METRIC_FAMILY_BUILDER_H_
#define JEMALLOC_EXPORTER_EXPORTER_METRICS_METRIC_FAMILY_BUILDER_H_

#include <prometheus/client_metric.h>
#include <prometheus/metric_family.h>
#include <prometheus/metric_type.h>

#include <string>
#include <utility>
#include <vector>

namespace jemalloc_exporter {

using Labels = std::vector<prometheus::ClientMetric::Label>;

inline prometheus::MetricFamily MakeFamily(prometheus::MetricType type,
                                           std::string name, std::string help) {
  return {std::move(name), std::move(help), type, {}};
}

/// Adds a sample with `labels`. `family` must be of type Gauge or Counter.
inline void AddSample(prometheus::MetricFamily& family, double value,
                      Labels labels = {}) {
  prometheus::ClientMetric& metric = family.metric.emplace_back();
  metric.label = std::move(labels);
  if (family.type == prometheus::MetricType::Counter) {
    metric.counter.value = value;
  } else {
    metric.gauge.value = value;
  }
}

}  // namespace jemalloc_exporter

#endif  // JEMALLOC_EXPORTER_EXPORTER_METRICS_METRIC_FAMILY_BUILDER_H_
