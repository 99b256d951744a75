#include "collector/gtest/test_metrics.h"

#include <prometheus/client_metric.h>
#include <prometheus/metric_type.h>

#include <string>
#include <string_view>
#include <utility>

namespace jemalloc_exporter {
namespace {

// A suite's name has no dot in it; a test's may have.
prometheus::ClientMetric TestGauge(std::string_view name, double value) {
  const auto dot = name.find('.');
  prometheus::ClientMetric metric;
  metric.label = {{"suite", std::string(name.substr(0, dot))},
                  {"test", std::string(name.substr(dot + 1))}};
  metric.gauge.value = value;
  return metric;
}

prometheus::MetricFamily GaugeFamily(std::string_view name,
                                     std::string_view help) {
  return {
      std::string(name), std::string(help), prometheus::MetricType::Gauge, {}};
}

prometheus::MetricFamily Numbers(const std::vector<HeapReportEntry>& tests,
                                 const HeapReportField& field) {
  auto family = GaugeFamily(field.metric, field.help);
  for (const HeapReportEntry& test : tests) {
    if (const auto& value = test.*field.value) {
      family.metric.push_back(
          TestGauge(test.name, static_cast<double>(*value)));
    }
  }
  return family;
}

prometheus::MetricFamily Durations(const std::vector<HeapReportEntry>& tests) {
  auto family = GaugeFamily("jemalloc_test_duration_seconds",
                            "How long the test's last run took");
  for (const HeapReportEntry& test : tests) {
    if (const auto& seconds = test.duration_seconds) {
      family.metric.push_back(TestGauge(test.name, *seconds));
    }
  }
  return family;
}

prometheus::MetricFamily Results(const std::vector<HeapReportEntry>& tests) {
  auto family = GaugeFamily("jemalloc_test_result",
                            "1 with the result of the test's last run as a "
                            "label: passed, failed, skipped or running");
  for (const HeapReportEntry& test : tests) {
    auto metric = TestGauge(test.name, 1);
    metric.label.push_back({"result", test.result});
    family.metric.push_back(std::move(metric));
  }
  return family;
}

}  // namespace

std::vector<prometheus::MetricFamily> TestMetrics(
    const std::vector<HeapReportEntry>& tests) {
  std::vector<prometheus::MetricFamily> families;
  const auto add = [&families](prometheus::MetricFamily family) {
    if (!family.metric.empty()) families.push_back(std::move(family));
  };
  for (const HeapReportField& field : kHeapReportFields) {
    add(Numbers(tests, field));
  }
  add(Durations(tests));
  add(Results(tests));
  return families;
}

}  // namespace jemalloc_exporter
