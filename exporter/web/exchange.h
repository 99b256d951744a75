#ifndef JEMALLOC_EXPORTER_EXPORTER_WEB_EXCHANGE_H_
#define JEMALLOC_EXPORTER_EXPORTER_WEB_EXCHANGE_H_

#include <microhttpd.h>

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "web/http_server.h"

namespace jemalloc_exporter {

/// What is at a path.
using Route = std::variant<Response, Handler>;

/// One request and its answer.
struct Exchange {
  /// When the first line of the request has arrived, with that target.
  Exchange(MHD_Connection* its_connection, std::string_view target);

  enum class Stage {
    kArriving,  ///< Its head or the rest of it.
    kAccepted,  ///< It will be answered from its route.
    kRunning,   ///< A handler works on it.
    kHandled,   ///< The handler has returned.
  };

  MHD_Connection* connection;  ///< Null when the client has gone.
  std::string path;
  const char* target_end;
  Stage stage = Stage::kArriving;
  bool suspended = false;
  std::shared_ptr<const Route> route;  ///< Null if there is none.
  Request request;
  std::optional<Response> response;
};

/// The answer to a request that is not to be answered from its route, judged by
/// its head.
std::optional<Response> Refuse(const Exchange& exchange,
                               std::string_view method, const char* version);

/// The request, for a handler.
Request ReadRequest(MHD_Connection* connection);

/// Has MHD send `response`, of which the exchange keeps the body until then.
MHD_Result Send(Exchange& exchange, Response response);

}  // namespace jemalloc_exporter

#endif  // JEMALLOC_EXPORTER_EXPORTER_WEB_EXCHANGE_H_
