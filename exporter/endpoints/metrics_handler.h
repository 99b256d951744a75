#ifndef JEMALLOC_EXPORTER_EXPORTER_ENDPOINTS_METRICS_HANDLER_H_
#define JEMALLOC_EXPORTER_EXPORTER_ENDPOINTS_METRICS_HANDLER_H_

#include <prometheus/collectable.h>
#include <prometheus/metric_family.h>

#include <memory>
#include <mutex>
#include <vector>

#include "exporter/http/server.h"

namespace jemalloc_exporter {

/// A page with the metrics of any number of collectables. Thread-safe.
class MetricsHandler {
 public:
  void Add(const std::weak_ptr<prometheus::Collectable>& collectable);

  /// Forgets `collectable`, which may be gone already. An answer under way may
  /// still contain it.
  void Remove(const std::weak_ptr<prometheus::Collectable>& collectable);

  /// Collects everything anew, in the format that the request prefers; packed
  /// with gzip if it asks for that and the page is worth it. Collectables that
  /// are gone are left out.
  ///
  /// Throws what a collectable throws: an answer is never part of a page. Holds
  /// no lock while it collects.
  Response Answer(const Request& request) const;

 private:
  std::vector<prometheus::MetricFamily> Collect() const;

  mutable std::mutex mutex_;
  std::vector<std::weak_ptr<prometheus::Collectable>> collectables_;
};

}  // namespace jemalloc_exporter

#endif  // JEMALLOC_EXPORTER_EXPORTER_ENDPOINTS_METRICS_HANDLER_H_
