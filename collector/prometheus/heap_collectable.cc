#include "jemalloc_exporter/heap_collectable.h"

#include <exception>

#include "collector/prometheus/heap_families.h"

namespace jemalloc_exporter {

HeapCollectable::HeapCollectable(const prometheus::Labels& labels,
                                 Mallctl* mallctl)
    : mallctl_(mallctl) {
  for (const auto& [name, value] : labels) labels_.push_back({name, value});
}

std::vector<prometheus::MetricFamily> HeapCollectable::Collect() const try {
  const HeapSnapshot reading = ReadHeap(mallctl_);
  return HeapFamilies({{reading.visible_state(), labels_}});
} catch (const std::exception&) {
  return {};
}

}  // namespace jemalloc_exporter
