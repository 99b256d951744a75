#ifndef JEMALLOC_EXPORTER_HEAP_COLLECTABLE_H_
#define JEMALLOC_EXPORTER_HEAP_COLLECTABLE_H_

#include <prometheus/client_metric.h>
#include <prometheus/collectable.h>
#include <prometheus/labels.h>
#include <prometheus/metric_family.h>

#include <vector>

#include "jemalloc_exporter/heap_reader.h"

namespace jemalloc_exporter {

/// The heap of this process as Prometheus gauges, one for each field of
/// `HeapState`; `kHeapFields` has their names and HELP.
///
///     auto heap = std::make_shared<HeapCollectable>();
///     exposer.RegisterCollectable(heap);
///
/// Keep the pointer: registries hold a weak one.
class HeapCollectable final : public prometheus::Collectable {
 public:
  /// Every gauge has `labels`. `mallctl` is the jemalloc to read; null for a
  /// process without one.
  explicit HeapCollectable(const prometheus::Labels& labels = {},
                           Mallctl* mallctl = FindMallctl());

  /// Reads the heap and returns a family for each field that could be read; an
  /// empty vector where jemalloc is missing or linked but unused. The values
  /// are read before the call's own allocations. Fresh on each call, except
  /// that concurrent callers share one refresh (see `ReadHeap`). Thread-safe.
  /// Never throws: without memory it returns an empty vector.
  std::vector<prometheus::MetricFamily> Collect() const override;

 private:
  std::vector<prometheus::ClientMetric::Label> labels_;
  Mallctl* mallctl_;
};

}  // namespace jemalloc_exporter

#endif  // JEMALLOC_EXPORTER_HEAP_COLLECTABLE_H_
