#ifndef JEMALLOC_EXPORTER_EXPORTER_ENDPOINTS_SHARED_RESPONSE_H_
#define JEMALLOC_EXPORTER_EXPORTER_ENDPOINTS_SHARED_RESPONSE_H_

#include <chrono>
#include <functional>
#include <mutex>

#include "exporter/http/message.h"

namespace jemalloc_exporter {

/// Shares one response among equal requests that wait at the same time, so that
/// many clients cost the processes no more than one. The values of a response
/// are always read after the request was received. Thread-safe.
class SharedResponse {
 public:
  /// Returns the response of the last call of `respond`, where that call began
  /// after `request` was received and was for an equal request. Otherwise calls
  /// `respond`, without a lock, and throws its exceptions.
  Response Get(const Request& request,
               const std::function<Response()>& respond);

 private:
  std::mutex mutex_;
  std::chrono::steady_clock::time_point started_;
  Request request_;
  Response response_;
};

}  // namespace jemalloc_exporter

#endif  // JEMALLOC_EXPORTER_EXPORTER_ENDPOINTS_SHARED_RESPONSE_H_
