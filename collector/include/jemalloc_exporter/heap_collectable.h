#ifndef JEMALLOC_EXPORTER_HEAP_COLLECTABLE_H_
#define JEMALLOC_EXPORTER_HEAP_COLLECTABLE_H_

#include <prometheus/client_metric.h>
#include <prometheus/collectable.h>
#include <prometheus/labels.h>
#include <prometheus/metric_family.h>

#include <vector>

#include "jemalloc_exporter/heap_details.h"
#include "jemalloc_exporter/heap_reader.h"

namespace jemalloc_exporter {

/// Which series `HeapCollectable` has.
struct HeapCollectableOptions {
  /// The labels of every series. Where one has the name of a label of the
  /// series itself (`class`, `state`, those of `kHeapOptions`), that one is
  /// renamed to `jemalloc_NAME`.
  prometheus::Labels labels;
  /// The jemalloc to read; null for a process without one.
  Mallctl* mallctl = FindMallctl();
  HeapCollectors collectors;
  /// Sets of `HeapDetails`, up to 72 series for `bins`, 24 for `sizes`, 36 for
  /// `locks`. `arenas` has no series.
  HeapDetailSets details = {};
};

/// The heap of this process as Prometheus metrics: one for each field of
/// `HeapState` and each value of `HeapStatistics`, and `jemalloc_options_info`.
/// `kHeapFields` and `kHeapStatistics` have their names and HELP.
///
///     auto heap = std::make_shared<HeapCollectable>();
///     exposer.RegisterCollectable(heap);
///
/// Keep the pointer: registries hold a weak one.
class HeapCollectable final : public prometheus::Collectable {
 public:
  explicit HeapCollectable(const HeapCollectableOptions& options);

  /// All groups of series. Every series has `labels`. `mallctl` is the jemalloc
  /// to read; null for a process without one.
  explicit HeapCollectable(const prometheus::Labels& labels = {},
                           Mallctl* mallctl = FindMallctl());

  /// Reads the heap and returns a family for each number that could be read; an
  /// empty vector where jemalloc is missing or linked but unused. The values
  /// are read before the call's own allocations. Fresh on each call, except
  /// that concurrent callers share one refresh (see `ReadHeap`), but for
  /// details (see `ReadHeapDetails`), which take 28 KiB of the stack.
  /// Thread-safe.
  /// Never throws: without memory it returns an empty vector.
  std::vector<prometheus::MetricFamily> Collect() const override;

 private:
  std::vector<prometheus::MetricFamily> Families(
      const HeapSnapshot& heap) const;
  std::vector<prometheus::MetricFamily> CollectWithDetails() const;

  std::vector<prometheus::ClientMetric::Label> labels_;
  Mallctl* mallctl_;
  HeapCollectors collectors_;
  HeapDetailSets details_;
};

}  // namespace jemalloc_exporter

#endif  // JEMALLOC_EXPORTER_HEAP_COLLECTABLE_H_
