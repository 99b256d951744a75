#ifndef JEMALLOC_EXPORTER_EXPORTER_WEB_REQUEST_HEAD_H_
#define JEMALLOC_EXPORTER_EXPORTER_WEB_REQUEST_HEAD_H_

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace jemalloc_exporter {

/// What a request says before its body: RFC 9112, to the letter where the
/// letter is strict. Names and values are views of the bytes it was read from.
struct RequestHead {
  std::string_view method;
  /// The path as the client spelled it, without a query. Of an absolute target
  /// that after the authority.
  std::string_view path;
  /// As sent, without the question mark.
  std::string_view query;
  /// Whether the client would ask again on this connection, and whether it has
  /// to be told that it may (HTTP/1.0).
  bool keep_alive = true;
  bool is_http_1_0 = false;
  bool has_body = false;
  std::vector<std::pair<std::string_view, std::string_view>> fields;

  /// The values of a field, whatever the case of its name, joined by commas;
  /// empty where there is none.
  std::string Field(std::string_view name) const;
};

/// A head is not whole yet.
struct Incomplete {};

/// A head that no server should answer otherwise than with this status: 400
/// where it is malformed, 414 or 431 where its first line or the whole is too
/// long.
struct BadRequest {
  int status = 400;
};

/// A longer head is refused.
inline constexpr std::size_t kMaxHeadSize = 16'384;

/// The size of the head that `bytes` begin with, its last line included, empty
/// lines before it as well; 0 if it is not whole.
std::size_t HeadSize(std::string_view bytes);

/// Reads the head that `bytes` begin with.
///
/// Malformed is, beside what the grammar excludes: a line that ends with a bare
/// LF or has a bare CR or a NUL in it, a version other than 1.0 and 1.1, a
/// missing Host in 1.1, a second Host or Content-Length, a Content-Length that
/// is no number or comes with Transfer-Encoding, and a line that continues the
/// one before. Thread-safe; throws std::bad_alloc.
std::variant<RequestHead, Incomplete, BadRequest> ParseRequestHead(
    std::string_view bytes);

}  // namespace jemalloc_exporter

#endif  // JEMALLOC_EXPORTER_EXPORTER_WEB_REQUEST_HEAD_H_
