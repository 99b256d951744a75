#include "exporter/http/response_writer.h"

#include <array>
#include <boost/beast/http/status.hpp>
#include <clocale>
#include <string_view>

namespace jemalloc_exporter {
namespace {

void AddHeader(std::string& text, std::string_view name,
               std::string_view value) {
  text.append(name).append(": ").append(value).append("\r\n");
}

std::string_view ReasonPhrase(int status) {
  namespace http = boost::beast::http;
  const auto reason =
      http::obsolete_reason(http::int_to_status(static_cast<unsigned>(status)));
  return {reason.data(), reason.size()};
}

}  // namespace

bool ShouldKeepAlive(const HttpRequest& request, const Response& response) {
  return request.keep_alive &&
         (response.status < 400 || response.status >= 500);
}

std::string SerializeResponse(const HttpRequest& request,
                              const Response& response, std::time_t now) {
  std::string text = "HTTP/1.1 " + std::to_string(response.status) + " ";
  text.append(ReasonPhrase(response.status)).append("\r\n");
  AddHeader(text, "Date", HttpDate(now));
  if (!ShouldKeepAlive(request, response)) {
    AddHeader(text, "Connection", "close");
  } else if (request.is_http_1_0) {
    AddHeader(text, "Connection", "keep-alive");
  }
  if (!response.content_type.empty()) {
    AddHeader(text, "Content-Type", response.content_type);
  }
  for (const auto& [name, value] : response.headers) {
    AddHeader(text, name, value);
  }
  const bool is_head = request.method == "HEAD";
  if (!is_head || !response.body.empty()) {
    AddHeader(text, "Content-Length", std::to_string(response.body.size()));
  }
  text += "\r\n";
  if (!is_head) text += response.body;
  return text;
}

std::string HttpDate(std::time_t time) {
  static const locale_t kCLocale = newlocale(LC_ALL_MASK, "C", nullptr);
  std::tm utc{};
  gmtime_r(&time, &utc);
  std::array<char, sizeof("Sun, 06 Nov 1994 08:49:37 GMT")> text{};
  strftime_l(text.data(), text.size(), "%a, %d %b %Y %T GMT", &utc, kCLocale);
  return text.data();
}

}  // namespace jemalloc_exporter
