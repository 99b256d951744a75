#ifndef JEMALLOC_EXPORTER_EXPORTER_WEB_EXCHANGE_H_
#define JEMALLOC_EXPORTER_EXPORTER_WEB_EXCHANGE_H_

#include <microhttpd.h>

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "web/connections.h"
#include "web/http_server.h"

namespace jemalloc_exporter {

/// What is at a path.
using Route = std::variant<Response, Handler>;

/// One request and its answer.
struct Exchange {
  /// When the first line of the request has arrived, with that target.
  Exchange(MHD_Connection* its_connection, Connections::Connection* as_kept,
           std::string_view target);

  enum class Stage {
    kArriving,  ///< Its head or the rest of it.
    kArrived,   ///< It is to be answered.
    kRunning,   ///< A thread works on it, or will.
    kHandled,   ///< Its handler has returned.
  };

  // Two sides of it; null when the client has gone.
  MHD_Connection* connection;
  Connections::Connection* kept;
  std::string client;  ///< As in `kept`.
  std::string path;
  bool target_has_cr;
  const char* target_end;
  Stage stage = Stage::kArriving;
  bool suspended = false;
  std::optional<Login> login;
  Admission admission = Admission::kUnknown;
  std::shared_ptr<const Route> route;  ///< Null if there is none.
  Request request;
  std::optional<Response> response;
};

/// Whether a request, of which the head has arrived, is one to be answered with
/// a 400.
bool IsMalformed(const Exchange& exchange, const char* version);

/// Whether a request announces a body.
bool HasBody(MHD_Connection* connection);

/// The answer to a request that is not to be answered from its route.
std::optional<Response> Refuse(const Exchange& exchange,
                               std::string_view method);

/// The answer to a request whose login is missing or wrong.
Response Unauthorized();

/// The request, for a handler; and whom it claims to come from.
Request ReadRequest(MHD_Connection* connection);
std::optional<Login> ReadLogin(MHD_Connection* connection);

/// Has MHD send `response`, of which the exchange keeps the body until then.
MHD_Result Send(Exchange& exchange, Response response);

}  // namespace jemalloc_exporter

#endif  // JEMALLOC_EXPORTER_EXPORTER_WEB_EXCHANGE_H_
