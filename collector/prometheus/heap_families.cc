#include "collector/prometheus/heap_families.h"

#include <prometheus/metric_type.h>

#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>
#include <utility>

namespace jemalloc_exporter {
namespace {

using prometheus::ClientMetric;
using prometheus::MetricFamily;
using prometheus::MetricType;

using Families = std::vector<MetricFamily>;
using Heaps = std::vector<LabelledHeap>;

ClientMetric Sample(const LabelledHeap& heap, double value) {
  ClientMetric metric;
  metric.label = heap.labels;
  metric.gauge.value = value;
  metric.counter.value = value;
  return metric;
}

// Programs may label their series by a version, too. A repeated label would
// make the whole page invalid.
void AddLabel(const LabelledHeap& heap, std::string_view name,
              std::string_view value, ClientMetric& metric) {
  const bool is_taken =
      std::any_of(heap.labels.begin(), heap.labels.end(),
                  [&](const auto& label) { return label.name == name; });
  metric.label.push_back(
      {(is_taken ? "jemalloc_" : "") + std::string(name), std::string(value)});
}

void Add(MetricFamily family, Families& families) {
  if (!family.metric.empty()) families.push_back(std::move(family));
}

MetricFamily FieldFamily(const Heaps& heaps, const HeapField& field) {
  MetricFamily family{std::string(field.metric),
                      std::string(field.help),
                      MetricType::Gauge,
                      {}};
  for (const LabelledHeap& heap : heaps) {
    if (const auto& value = heap.state.*field.value) {
      family.metric.push_back(Sample(heap, static_cast<double>(*value)));
    }
  }
  return family;
}

void AddSamples(const Heaps& heaps, const HeapStatistic& row,
                MetricFamily& family) {
  constexpr double kSecond = 1e9;
  const double unit = row.unit == MallctlUnit::kNanoseconds ? kSecond : 1;
  for (const LabelledHeap& heap : heaps) {
    const auto& value = heap.statistics.*row.value;
    if (!value) continue;
    family.metric.push_back(Sample(heap, static_cast<double>(*value) / unit));
    if (row.label.empty()) continue;
    AddLabel(heap, row.label, row.label_value, family.metric.back());
  }
}

// Rows of one metric follow each other.
void AddStatistics(const Heaps& heaps, HeapCollectors collectors,
                   Families& families) {
  MetricFamily family;
  for (const HeapStatistic& row : kHeapStatistics) {
    if (!collectors.Includes(row.collector)) continue;
    if (family.name != row.metric) {
      Add(std::exchange(family, {}), families);
      family.name = row.metric;
      family.help = row.help;
      family.type = row.kind == StatisticKind::kCounter ? MetricType::Counter
                                                        : MetricType::Gauge;
    }
    AddSamples(heaps, row, family);
  }
  Add(std::move(family), families);
}

MetricFamily OptionsFamily(const Heaps& heaps) {
  MetricFamily family{"jemalloc_options_info",
                      "Options with which jemalloc runs, as labels; always 1",
                      MetricType::Gauge,
                      {}};
  for (const LabelledHeap& heap : heaps) {
    if (heap.options.empty()) continue;
    family.metric.push_back(Sample(heap, 1));
    for (std::size_t i = 0; i < kHeapOptionCount; ++i) {
      const HeapOptionValue& value = heap.options.values[i];
      if (value.empty()) continue;
      AddLabel(heap, kHeapOptions[i].label, value.view(), family.metric.back());
    }
  }
  return family;
}

}  // namespace

Families HeapFamilies(const Heaps& heaps, HeapCollectors collectors) {
  Families families;
  for (const HeapField& field : kHeapFields) {
    if (collectors.heap) Add(FieldFamily(heaps, field), families);
  }
  AddStatistics(heaps, collectors, families);
  if (collectors.options) Add(OptionsFamily(heaps), families);
  return families;
}

}  // namespace jemalloc_exporter
