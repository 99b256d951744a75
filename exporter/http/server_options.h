#ifndef JEMALLOC_EXPORTER_EXPORTER_HTTP_SERVER_OPTIONS_H_
#define JEMALLOC_EXPORTER_EXPORTER_HTTP_SERVER_OPTIONS_H_

#include <functional>
#include <string>
#include <string_view>

#include "exporter/http/connection_table.h"
#include "exporter/http/server_security.h"

namespace jemalloc_exporter {

struct HttpServerOptions {
  /// Maximum number of handlers that run at once; 0 is no limit. A request that
  /// finds all of them busy for 25 ms gets 503.
  unsigned max_requests = 40;

  ConnectionLimits connections = {};
  ServerSecurity security = {};

  /// Called for each response, on the event loop. `method` and `path` are the
  /// client's, empty of a malformed request. `client` is an IPv4 address, an
  /// IPv6 network or, of a Unix socket, empty.
  std::function<void(std::string_view method, std::string_view path, int status,
                     std::string_view client)>
      on_response =
          [](std::string_view, std::string_view, int, std::string_view) {};

  /// Called with one line for the operator: an exception of a handler, a lack
  /// of file descriptors or threads. From any thread.
  std::function<void(const std::string& line)> on_error =
      [](const std::string&) {};
};

}  // namespace jemalloc_exporter

#endif  // JEMALLOC_EXPORTER_EXPORTER_HTTP_SERVER_OPTIONS_H_
