#include "exporter/endpoints/metrics_handler.h"

#include <iterator>
#include <utility>

#include "exporter/endpoints/metrics_response.h"

namespace jemalloc_exporter {

void MetricsHandler::Add(
    const std::weak_ptr<prometheus::Collectable>& collectable) {
  const std::lock_guard lock(mutex_);
  collectables_.push_back(collectable);
}

void MetricsHandler::Remove(
    const std::weak_ptr<prometheus::Collectable>& collectable) {
  const std::lock_guard lock(mutex_);
  std::erase_if(collectables_, [&](const auto& registered) {
    return !registered.owner_before(collectable) &&
           !collectable.owner_before(registered);
  });
}

std::vector<prometheus::MetricFamily> MetricsHandler::Collect() const {
  std::unique_lock lock(mutex_);
  const auto collectables = collectables_;
  lock.unlock();
  std::vector<prometheus::MetricFamily> families;
  for (const auto& registered : collectables) {
    const auto collectable = registered.lock();
    if (!collectable) continue;
    auto collected = collectable->Collect();
    std::move(collected.begin(), collected.end(), std::back_inserter(families));
  }
  return families;
}

Response MetricsHandler::Respond(const Request& request) const {
  return response_.Get(request,
                       [&] { return MetricsResponse(request, Collect()); });
}

}  // namespace jemalloc_exporter
