#include "exporter/endpoints/shared_response.h"

#include <tuple>

namespace jemalloc_exporter {
namespace {

auto Fields(const Request& request) {
  return std::tie(request.accept, request.accept_encoding,
                  request.scrape_timeout, request.query);
}

}  // namespace

Response SharedResponse::Get(const Request& request,
                             const std::function<Response()>& respond) {
  {
    const std::lock_guard lock(mutex_);
    if (started_ > request.received && Fields(request_) == Fields(request)) {
      return response_;
    }
  }
  const auto started = std::chrono::steady_clock::now();
  Response response = respond();
  const std::lock_guard lock(mutex_);
  if (started > started_) {
    started_ = started;
    request_ = request;
    response_ = response;
  }
  return response;
}

}  // namespace jemalloc_exporter
