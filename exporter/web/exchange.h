#ifndef JEMALLOC_EXPORTER_EXPORTER_WEB_EXCHANGE_H_
#define JEMALLOC_EXPORTER_EXPORTER_WEB_EXCHANGE_H_

#include <memory>
#include <optional>
#include <string>
#include <variant>

#include "web/door.h"
#include "web/http_server.h"
#include "web/request_head.h"

namespace jemalloc_exporter {

/// What is at a path.
using Route = std::variant<Response, Handler>;

/// One request and its answer.
struct Exchange {
  Exchange() = default;
  explicit Exchange(const RequestHead& head);

  int socket = -1;     ///< What it came by.
  std::string client;  ///< Who that is: as in `Connections`.
  std::string method;
  std::string path;
  bool keep_alive = false;
  bool is_http_1_0 = false;
  bool has_body = false;
  std::string authorization;
  Request request;

  Admission admission = Admission::kUnknown;
  std::shared_ptr<const Route> route;  ///< Null if there is none.
  std::optional<Response> response;
};

/// The bytes of the answer. `date` is the time now.
std::string WriteAnswer(const Exchange& exchange, const std::string& date);

/// Whether the connection goes on after the answer: not after one that refuses
/// the request, of which not all may have been understood.
bool KeepsConnection(const Exchange& exchange);

}  // namespace jemalloc_exporter

#endif  // JEMALLOC_EXPORTER_EXPORTER_WEB_EXCHANGE_H_
