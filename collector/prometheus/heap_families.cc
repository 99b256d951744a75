#include "collector/prometheus/heap_families.h"

#include <prometheus/metric_type.h>

#include <utility>

namespace jemalloc_exporter {

std::vector<prometheus::MetricFamily> HeapFamilies(
    const std::vector<LabelledHeap>& heaps) {
  std::vector<prometheus::MetricFamily> families;
  for (const HeapField& field : kHeapFields) {
    prometheus::MetricFamily family;
    for (const LabelledHeap& heap : heaps) {
      const auto& value = heap.state.*field.value;
      if (!value) continue;
      prometheus::ClientMetric metric;
      metric.label = heap.labels;
      metric.gauge.value = static_cast<double>(*value);
      family.metric.push_back(std::move(metric));
    }
    if (family.metric.empty()) continue;
    family.name = field.metric;
    family.help = field.help;
    family.type = prometheus::MetricType::Gauge;
    families.push_back(std::move(family));
  }
  return families;
}

}  // namespace jemalloc_exporter
