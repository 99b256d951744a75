#ifndef JEMALLOC_EXPORTER_EXPORTER_HTTP_MESSAGE_H_
#define JEMALLOC_EXPORTER_EXPORTER_HTTP_MESSAGE_H_

#include <poll.h>

#include <chrono>
#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace jemalloc_exporter {

/// Names and values.
using Headers = std::vector<std::pair<std::string, std::string>>;

/// The part of a request that handlers see. A header that is repeated is joined
/// by commas; one that is missing is empty.
struct Request {
  std::string accept = {};
  std::string accept_encoding = {};
  /// X-Prometheus-Scrape-Timeout-Seconds.
  std::string scrape_timeout = {};
  /// The query of the target, as sent, without the question mark.
  std::string query = {};
  /// When its header section was complete.
  std::chrono::steady_clock::time_point received =
      std::chrono::steady_clock::now();
  /// Empty in a request of HTTP/1.0 that has none.
  std::string host = {};
  /// HEAD: the body of the response is not sent.
  bool is_head = false;
  /// The client's socket, open until the handler returns; -1 without a client.
  /// Only for `HasDisconnected`.
  int socket = -1;
};

/// Whether the client has closed its connection, or its sending direction.
inline bool HasDisconnected(const Request& request) {
  pollfd ready = {request.socket, POLLRDHUP, 0};
  return poll(&ready, 1, 0) > 0;
}

/// A request of HTTP/1.0 or 1.1 without its body.
struct HttpRequest {
  /// 400, 414 or 431 where the request is malformed or too long; no other
  /// member is set then. 0 of a valid request.
  int error_status = 0;
  std::string method = {};
  /// As sent, without the query; of an absolute target the part after the
  /// authority, or "/".
  std::string path = {};
  bool keep_alive = false;
  bool is_http_1_0 = false;
  bool has_body = false;
  std::string authorization = {};
  Request fields = {};
};

struct Response {
  int status = 200;
  std::string content_type = {};
  std::string body = {};
  /// The server adds Content-Length, Content-Type, Date and Connection. To HEAD
  /// with an empty body it adds no Content-Length (RFC 9110, 8.6).
  Headers headers = {};
};

/// Returns the response to a request. May block, and may run on several threads
/// at once. An exception becomes a 500 with its text.
using Handler = std::function<Response(const Request&)>;

/// The resource at a path.
struct Route {
  Response fixed = {};  ///< Where there is no handler.
  Handler handler = {};
  bool is_long = false;  ///< See `HttpServer::AddLongHandler`.
};

/// A response of plain text that names an error.
inline Response ErrorResponse(int status, std::string_view text) {
  return {.status = status,
          .content_type = "text/plain; charset=utf-8",
          .body = std::string(text) + "\n",
          .headers = {{"X-Content-Type-Options", "nosniff"}}};
}

}  // namespace jemalloc_exporter

#endif  // JEMALLOC_EXPORTER_EXPORTER_HTTP_MESSAGE_H_
