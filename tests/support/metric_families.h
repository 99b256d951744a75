#ifndef JEMALLOC_EXPORTER_TESTS_SUPPORT_METRIC_FAMILIES_H_
#define JEMALLOC_EXPORTER_TESTS_SUPPORT_METRIC_FAMILIES_H_

#include <prometheus/client_metric.h>
#include <prometheus/metric_family.h>
#include <prometheus/metric_type.h>

#include <cstdint>
#include <limits>
#include <string>
#include <utility>
#include <vector>

namespace jemalloc_exporter {

using Labels = std::vector<prometheus::ClientMetric::Label>;
using Metrics = std::vector<prometheus::ClientMetric>;

inline constexpr double kNaN = std::numeric_limits<double>::quiet_NaN();
inline constexpr double kInfinity = std::numeric_limits<double>::infinity();

// A metric of a simple type: the field of each that `value` may be found in.
inline prometheus::ClientMetric Value(double value, Labels labels = {}) {
  prometheus::ClientMetric metric;
  metric.label = std::move(labels);
  metric.counter.value = value;
  metric.gauge.value = value;
  metric.untyped.value = value;
  return metric;
}

inline prometheus::ClientMetric Summary(
    std::uint64_t count, double sum,
    std::vector<prometheus::ClientMetric::Quantile> quantiles,
    Labels labels = {}) {
  prometheus::ClientMetric metric;
  metric.label = std::move(labels);
  metric.summary = {count, sum, std::move(quantiles)};
  return metric;
}

inline prometheus::ClientMetric Histogram(
    std::uint64_t count, double sum,
    std::vector<prometheus::ClientMetric::Bucket> buckets, Labels labels = {}) {
  prometheus::ClientMetric metric;
  metric.label = std::move(labels);
  metric.histogram = {count, sum, std::move(buckets)};
  return metric;
}

inline prometheus::ClientMetric At(std::int64_t milliseconds,
                                   prometheus::ClientMetric metric) {
  metric.timestamp_ms = milliseconds;
  return metric;
}

inline prometheus::MetricFamily Counters(std::string name, Metrics metrics,
                                         std::string help = {}) {
  return {std::move(name), std::move(help), prometheus::MetricType::Counter,
          std::move(metrics)};
}

inline prometheus::MetricFamily Gauges(std::string name, Metrics metrics,
                                       std::string help = {}) {
  return {std::move(name), std::move(help), prometheus::MetricType::Gauge,
          std::move(metrics)};
}

inline prometheus::MetricFamily Untyped(std::string name, Metrics metrics,
                                        std::string help = {}) {
  return {std::move(name), std::move(help), prometheus::MetricType::Untyped,
          std::move(metrics)};
}

inline prometheus::MetricFamily Summaries(std::string name, Metrics metrics,
                                          std::string help = {}) {
  return {std::move(name), std::move(help), prometheus::MetricType::Summary,
          std::move(metrics)};
}

inline prometheus::MetricFamily Histograms(std::string name, Metrics metrics,
                                           std::string help = {}) {
  return {std::move(name), std::move(help), prometheus::MetricType::Histogram,
          std::move(metrics)};
}

}  // namespace jemalloc_exporter

#endif  // JEMALLOC_EXPORTER_TESTS_SUPPORT_METRIC_FAMILIES_H_
