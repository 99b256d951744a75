#ifndef JEMALLOC_EXPORTER_EXPORTER_ENDPOINTS_METRICS_HANDLER_H_
#define JEMALLOC_EXPORTER_EXPORTER_ENDPOINTS_METRICS_HANDLER_H_

#include <prometheus/collectable.h>
#include <prometheus/metric_family.h>

#include <memory>
#include <mutex>
#include <vector>

#include "exporter/endpoints/shared_response.h"
#include "exporter/http/server.h"

namespace jemalloc_exporter {

/// The metrics of any number of collectables. Thread-safe.
class MetricsHandler {
 public:
  void Add(const std::weak_ptr<prometheus::Collectable>& collectable);

  /// Removes `collectable`, which may be destroyed already. A response in
  /// progress may still contain it.
  void Remove(const std::weak_ptr<prometheus::Collectable>& collectable);

  /// Collects from all collectables that still exist; see `MetricsResponse`.
  /// Holds no lock meanwhile. Throws the exceptions of collectables: a response
  /// is never incomplete.
  Response Respond(const Request& request) const;

 private:
  std::vector<prometheus::MetricFamily> Collect() const;

  mutable SharedResponse response_;
  mutable std::mutex mutex_;
  std::vector<std::weak_ptr<prometheus::Collectable>> collectables_;
};

}  // namespace jemalloc_exporter

#endif  // JEMALLOC_EXPORTER_EXPORTER_ENDPOINTS_METRICS_HANDLER_H_
