#ifndef JEMALLOC_EXPORTER_EXPORTER_HTTP_REQUEST_PARSER_H_
#define JEMALLOC_EXPORTER_EXPORTER_HTTP_REQUEST_PARSER_H_

#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/parser.hpp>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "exporter/http/message.h"

namespace jemalloc_exporter {

/// The request line and the header section together are limited to this size.
inline constexpr std::size_t kMaxHeaderSize = 16'384;

/// Parses the requests of one connection with Boost.Beast, and rejects what
/// Beast leaves to its user: a missing, repeated or invalid Host, a repeated
/// Content-Length, a transfer coding in HTTP/1.0 or other than chunked, and
/// bytes above 0x7F in the target. A later minor version is parsed as 1.1
/// (RFC 9110, 2.5). Throws std::bad_alloc.
class RequestParser {
 public:
  void Append(std::string_view bytes) { received_.append(bytes); }

  /// The next request; none where it is incomplete.
  std::optional<HttpRequest> Next();

  /// Whether part of a request has been received.
  bool has_partial() const { return partial_ || !received_.empty(); }

 private:
  std::string received_;  // Not parsed yet.
  // None between requests.
  std::optional<
      boost::beast::http::request_parser<boost::beast::http::empty_body>>
      partial_;
  std::size_t partial_size_ = 0;
};

}  // namespace jemalloc_exporter

#endif  // JEMALLOC_EXPORTER_EXPORTER_HTTP_REQUEST_PARSER_H_
