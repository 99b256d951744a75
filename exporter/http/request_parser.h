#ifndef JEMALLOC_EXPORTER_EXPORTER_HTTP_REQUEST_PARSER_H_
#define JEMALLOC_EXPORTER_EXPORTER_HTTP_REQUEST_PARSER_H_

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "exporter/http/message.h"

namespace jemalloc_exporter {

/// The request line and the header section together are limited to this size.
inline constexpr std::size_t kMaxHeaderSize = 16'384;

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

/// Parses the requests of one connection with Boost.Beast, and rejects what
/// Beast leaves to its user: a missing, repeated or invalid Host, a repeated
/// Content-Length, a transfer coding in HTTP/1.0 or other than chunked, and
/// bytes above 0x7F in the target. A later minor version is parsed as 1.1
/// (RFC 9110, 2.5). Throws std::bad_alloc.
class RequestParser {
 public:
  RequestParser();
  ~RequestParser();

  void Append(std::string_view bytes) { received_.append(bytes); }

  /// The next request; none where it is incomplete.
  std::optional<HttpRequest> Next();

  /// Whether part of a request has been received.
  bool has_partial() const { return partial_ != nullptr || !received_.empty(); }

 private:
  struct Partial;

  std::optional<HttpRequest> Begin();
  std::optional<HttpRequest> Continue();

  std::string received_;              // Not parsed yet.
  std::unique_ptr<Partial> partial_;  // Null between requests.
};

}  // namespace jemalloc_exporter

#endif  // JEMALLOC_EXPORTER_EXPORTER_HTTP_REQUEST_PARSER_H_
