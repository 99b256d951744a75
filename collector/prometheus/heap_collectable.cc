#include "jemalloc_exporter/heap_collectable.h"

#include <exception>

#include "collector/prometheus/heap_families.h"

namespace jemalloc_exporter {

HeapCollectable::HeapCollectable(const HeapCollectableOptions& options)
    : mallctl_(options.mallctl), collectors_(options.collectors) {
  for (const auto& [name, value] : options.labels) {
    labels_.push_back({name, value});
  }
}

HeapCollectable::HeapCollectable(const prometheus::Labels& labels,
                                 Mallctl* mallctl)
    : HeapCollectable(HeapCollectableOptions{labels, mallctl, {}}) {}

std::vector<prometheus::MetricFamily> HeapCollectable::Collect() const try {
  const HeapSnapshot reading = ReadHeap(mallctl_);
  return HeapFamilies({{reading.visible_state(), reading.visible_statistics(),
                        reading.visible_options(), labels_}},
                      collectors_);
} catch (const std::exception&) {
  return {};
}

}  // namespace jemalloc_exporter
