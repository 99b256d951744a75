#include "jemalloc_exporter/heap_collectable.h"

#include <exception>
#include <iterator>
#include <memory>
#include <utility>

#include "collector/prometheus/details_families.h"
#include "collector/prometheus/heap_families.h"

namespace jemalloc_exporter {

HeapCollectable::HeapCollectable(const HeapCollectableOptions& options)
    : mallctl_(options.mallctl),
      collectors_(options.collectors),
      details_(options.details) {
  for (const auto& [name, value] : options.labels) {
    labels_.push_back({name, value});
  }
}

HeapCollectable::HeapCollectable(const prometheus::Labels& labels,
                                 Mallctl* mallctl)
    : HeapCollectable(HeapCollectableOptions{labels, mallctl, {}, {}}) {}

std::vector<prometheus::MetricFamily> HeapCollectable::Collect() const try {
  if (details_.any()) return CollectWithDetails();
  return Families(ReadHeap(mallctl_));
} catch (const std::exception&) {
  return {};
}

std::vector<prometheus::MetricFamily> HeapCollectable::Families(
    const HeapSnapshot& heap) const {
  return HeapFamilies({{heap.visible_state(), heap.visible_statistics(),
                        heap.visible_options(), labels_}},
                      collectors_);
}

// On the stack, because the values are read before an allocation.
std::vector<prometheus::MetricFamily> HeapCollectable::CollectWithDetails()
    const {
  HeapDetails details;
  auto families = Families(ReadHeapDetails(details_, &details, mallctl_));
  auto of_details =
      DetailsFamilies({{std::make_shared<HeapDetails>(details), labels_}});
  std::move(of_details.begin(), of_details.end(), std::back_inserter(families));
  return families;
}

}  // namespace jemalloc_exporter
