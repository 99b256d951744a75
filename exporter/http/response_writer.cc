#include "exporter/http/response_writer.h"

#include <array>
#include <boost/beast/http/status.hpp>
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
  AddHeader(text, "Content-Length", std::to_string(response.body.size()));
  text += "\r\n";
  if (request.method != "HEAD") text += response.body;
  return text;
}

std::string HttpDate(std::time_t time) {
  constexpr std::array kDays = {"Sun", "Mon", "Tue", "Wed",
                                "Thu", "Fri", "Sat"};
  constexpr std::array kMonths = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                  "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
  std::tm utc{};
  gmtime_r(&time, &utc);
  std::string text = kDays.at(static_cast<std::size_t>(utc.tm_wday));
  // Not snprintf(), which takes a tenth of the time of a short response.
  const auto append = [&text](const char* before, int two_digits) {
    text += before;
    text += static_cast<char>('0' + two_digits / 10);
    text += static_cast<char>('0' + two_digits % 10);
  };
  const int year = utc.tm_year + 1900;
  append(", ", utc.tm_mday);
  text.append(" ").append(kMonths.at(static_cast<std::size_t>(utc.tm_mon)));
  append(" ", year / 100);
  append("", year % 100);
  append(" ", utc.tm_hour);
  append(":", utc.tm_min);
  append(":", utc.tm_sec);
  return text += " GMT";
}

}  // namespace jemalloc_exporter
