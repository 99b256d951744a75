#ifndef JEMALLOC_EXPORTER_EXPORTER_HTTP_SERVER_OPTIONS_H_
#define JEMALLOC_EXPORTER_EXPORTER_HTTP_SERVER_OPTIONS_H_

#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "exporter/http/connection_table.h"
#include "exporter/http/message.h"
#include "exporter/http/stream.h"

namespace jemalloc_exporter {

enum class AuthResult {
  kAllowed,
  kDenied,
  kPending,  ///< Only `verify_password` can decide.
};

/// TLS and authentication of a server; by default neither. Results may change
/// at any time. All functions throw std::bad_alloc only. The event loop calls
/// all of them but `verify_password`, so they must return at once.
struct ServerSecurity {
  /// The stream of an accepted connection; it does not own the socket.
  std::function<std::unique_ptr<Stream>(int socket)> new_stream =
      [](int socket) { return std::make_unique<Stream>(socket); };

  /// Whether a request may be served. `authorization` is the value of its
  /// header, empty where it has none.
  std::function<AuthResult(const std::string& authorization)>
      check_credentials =
          [](const std::string&) { return AuthResult::kAllowed; };

  /// Decides what `check_credentials` left pending. May block. Called on a
  /// thread of its own, one call at a time.
  std::function<bool(const std::string& authorization)> verify_password =
      [](const std::string&) { return false; };

  /// Headers that are added to every response.
  std::function<Headers()> headers = [] { return Headers(); };
};

/// Maximum number of long handlers that run at once; further requests get 503.
inline constexpr unsigned kMaxLongHandlers = 8;

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

  /// Called with one line for each failed TLS handshake, on the event loop:
  /// `TLS handshake with 192.0.2.1:4242: no shared cipher`.
  std::function<void(const std::string& line)> on_handshake_failure =
      [](const std::string&) {};

  /// Called with one line for the operator: an exception of a handler, a lack
  /// of file descriptors or threads. From any thread.
  std::function<void(const std::string& line)> on_error =
      [](const std::string&) {};
};

}  // namespace jemalloc_exporter

#endif  // JEMALLOC_EXPORTER_EXPORTER_HTTP_SERVER_OPTIONS_H_
