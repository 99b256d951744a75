#include "exporter/http/request_parser.h"

#include <algorithm>
#include <boost/asio/buffer.hpp>
#include <boost/beast/http/error.hpp>
#include <cstdint>
#include <limits>
#include <string_view>

namespace jemalloc_exporter {
namespace {

namespace http = boost::beast::http;

constexpr int kBadRequest = 400;
constexpr int kTargetTooLong = 414;
constexpr int kHeaderTooLarge = 431;

// Of boost::string_view and of its successor in Boost 1.81.
template <typename T>
std::string_view View(const T& text) {
  return {text.data(), text.size()};
}

constexpr std::string_view kEndOfLine = "\r\n";
constexpr std::string_view kDigits = "0123456789";

// RFC 9110, section 5.6.2.
constexpr std::string_view kTokenCharacters =
    "!#$%&'*+-.^_`|~0123456789"
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

// RFC 3986, section 3.2.2: the first one in brackets only.
constexpr std::string_view kHostCharacters =
    ":-._~!$&'()*+,;=%0123456789"
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

bool HasOnly(std::string_view characters, std::string_view text) {
  return text.find_first_not_of(characters) == std::string_view::npos;
}

// uri-host [ ":" port ]: RFC 9112, section 3.2. May be empty.
bool IsHost(std::string_view text) {
  const auto colon = text.find_last_of(":]");
  if (colon != std::string_view::npos && text[colon] == ':') {
    if (!HasOnly(kDigits, text.substr(colon + 1))) return false;
    text = text.substr(0, colon);
  }
  if (text.starts_with('[') && text.ends_with(']') && text.size() > 2) {
    return HasOnly(kHostCharacters, text.substr(1, text.size() - 2));
  }
  return HasOnly(kHostCharacters.substr(1), text);
}

// The part of an absolute target after its authority.
std::string_view WithoutAuthority(std::string_view target) {
  for (const std::string_view scheme : {"http://", "https://"}) {
    if (!boost::beast::iequals(
            {target.data(), std::min(target.size(), scheme.size())},
            {scheme.data(), scheme.size()})) {
      continue;
    }
    target.remove_prefix(scheme.size());
    target.remove_prefix(std::min(target.find_first_of("/?"), target.size()));
    if (!target.starts_with('/')) return "/";
  }
  return target;
}

// Beast rejects a minor version above 1.
void LowerMinorVersion(std::string& bytes, std::size_t end_of_line) {
  constexpr std::string_view kVersion = " HTTP/1.";
  const std::size_t size = kVersion.size() + std::string_view("2\r").size();
  if (end_of_line < size) return;
  const std::size_t start = end_of_line - size;
  char& minor = bytes[start + kVersion.size()];
  if (bytes.compare(start, kVersion.size(), kVersion) == 0 && minor > '1' &&
      minor <= '9') {
    minor = '1';
  }
}

using Message = http::request<http::empty_body>;

bool HasValidFraming(const Message& message) {
  const std::string_view target = View(message.target());
  const auto hosts = message.count(http::field::host);
  const auto lengths = message.count(http::field::content_length);
  const auto codings = message.count(http::field::transfer_encoding);
  const bool is_http_1_0 = message.version() == 10;
  return hosts <= 1 && (hosts == 1 || is_http_1_0) &&
         IsHost(View(message[http::field::host])) && lengths <= 1 &&
         (codings == 0 ||
          (codings == 1 && lengths == 0 && !is_http_1_0 &&
           boost::beast::iequals(message[http::field::transfer_encoding],
                                 "chunked"))) &&
         std::all_of(target.begin(), target.end(),
                     [](char c) { return c > ' ' && c < '\x7F'; });
}

std::string Field(const Message& message, std::string_view name) {
  std::string joined;
  const auto [begin, end] = message.equal_range({name.data(), name.size()});
  for (auto field = begin; field != end; ++field) {
    if (!joined.empty()) joined += ", ";
    joined += View(field->value());
  }
  return joined;
}

HttpRequest ToRequest(const http::request_parser<http::empty_body>& parser) {
  const Message& message = parser.get();
  const std::string_view target = WithoutAuthority(View(message.target()));
  const std::size_t path_size = std::min(target.find('?'), target.size());
  HttpRequest request;
  request.method = View(message.method_string());
  request.path = target.substr(0, path_size);
  request.keep_alive = parser.keep_alive();
  request.is_http_1_0 = message.version() == 10;
  request.has_body =
      parser.chunked() || parser.content_length().value_or(0) > 0;
  request.authorization = Field(message, "Authorization");
  request.fields = {
      .accept = Field(message, "Accept"),
      .accept_encoding = Field(message, "Accept-Encoding"),
      .scrape_timeout = Field(message, "X-Prometheus-Scrape-Timeout-Seconds"),
      .query =
          std::string(target.substr(std::min(path_size + 1, target.size()))),
      .host = Field(message, "Host"),
      .is_head = request.method == "HEAD"};
  return request;
}

}  // namespace

std::optional<HttpRequest> RequestParser::Next() {
  if (!partial_) {
    // Empty lines may precede a request.
    std::size_t empty = 0;
    while (received_.compare(empty, kEndOfLine.size(), kEndOfLine) == 0) {
      empty += kEndOfLine.size();
    }
    received_.erase(0, empty);
    if (received_.empty() || received_ == "\r") return std::nullopt;
    if (!HasOnly(kTokenCharacters, {received_.data(), 1})) {
      return HttpRequest{.error_status = kBadRequest};
    }
    // Beast does not limit the request line on its own.
    const std::size_t end_of_line = received_.find('\n');
    if (std::min(end_of_line, received_.size()) >= kMaxHeaderSize) {
      return HttpRequest{.error_status = kTargetTooLong};
    }
    if (end_of_line == std::string::npos) return std::nullopt;
    LowerMinorVersion(received_, end_of_line);
    partial_.emplace();
    partial_->header_limit(kMaxHeaderSize);
    // A long body is for the dispatcher to reject.
    partial_->body_limit((std::numeric_limits<std::uint64_t>::max)());
    partial_size_ = 0;
  }
  boost::system::error_code error;
  const std::size_t parsed = partial_->put(
      boost::asio::buffer(received_.data(), received_.size()), error);
  received_.erase(0, parsed);
  partial_size_ += parsed;
  if (received_.empty()) received_.shrink_to_fit();
  const bool too_large =
      error == http::error::header_limit || partial_size_ > kMaxHeaderSize;
  if (error == http::error::need_more && !too_large) return std::nullopt;
  HttpRequest request{.error_status =
                          too_large ? kHeaderTooLarge : kBadRequest};
  if (!error && !too_large && HasValidFraming(partial_->get())) {
    request = ToRequest(*partial_);
  }
  partial_.reset();
  return request;
}

}  // namespace jemalloc_exporter
