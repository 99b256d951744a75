#include "web/exchange.h"

#include <string_view>

namespace jemalloc_exporter {
namespace {

// Of the statuses that are used here; a reason is for people.
std::string_view Reason(int status) {
  switch (status) {
    case 200:
      return "OK";
    case 302:
      return "Found";
    case 400:
      return "Bad Request";
    case 401:
      return "Unauthorized";
    case 404:
      return "Not Found";
    case 405:
      return "Method Not Allowed";
    case 414:
      return "URI Too Long";
    case 431:
      return "Request Header Fields Too Large";
    case 500:
      return "Internal Server Error";
    case 503:
      return "Service Unavailable";
    default:
      return "Unknown";
  }
}

bool Refuses(int status) { return status >= 400 && status < 500; }

void AddHeader(std::string& head, std::string_view name,
               std::string_view value) {
  head.append(name).append(": ").append(value).append("\r\n");
}

}  // namespace

Exchange::Exchange(const RequestHead& head)
    : method(head.method),
      path(head.path),
      keep_alive(head.keep_alive),
      is_http_1_0(head.is_http_1_0),
      has_body(head.has_body),
      authorization(head.Field("Authorization")),
      request{.accept = head.Field("Accept"),
              .accept_encoding = head.Field("Accept-Encoding"),
              .scrape_timeout =
                  head.Field("X-Prometheus-Scrape-Timeout-Seconds"),
              .query = std::string(head.query)} {}

bool KeepsConnection(const Exchange& exchange) {
  return exchange.keep_alive && !Refuses(exchange.response->status);
}

std::string WriteAnswer(const Exchange& exchange, const std::string& date) {
  const Response& response = *exchange.response;
  std::string text = "HTTP/1.1 " + std::to_string(response.status) + " ";
  text.append(Reason(response.status)).append("\r\n");
  AddHeader(text, "Date", date);
  if (!KeepsConnection(exchange)) {
    AddHeader(text, "Connection", "close");
  } else if (exchange.is_http_1_0) {
    AddHeader(text, "Connection", "keep-alive");
  }
  AddHeader(text, "Content-Type", response.content_type);
  for (const auto& [name, value] : response.headers) {
    AddHeader(text, name, value);
  }
  AddHeader(text, "Content-Length", std::to_string(response.body.size()));
  text += "\r\n";
  if (exchange.method != "HEAD") text += response.body;
  return text;
}

}  // namespace jemalloc_exporter
