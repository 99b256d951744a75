#include "web/exchange.h"

#include <strings.h>

#include <algorithm>
#include <utility>
#include <vector>

namespace jemalloc_exporter {
namespace {

struct Search {
  const char* name;
  std::vector<std::string_view> values;
};

MHD_Result AddIfFound(void* context, MHD_ValueKind, const char* name,
                      const char* value) {
  auto& search = *static_cast<Search*>(context);
  if (strcasecmp(name, search.name) == 0) search.values.emplace_back(value);
  return MHD_YES;
}

std::vector<std::string_view> Values(MHD_Connection* connection,
                                     const char* name) {
  Search search{name, {}};
  MHD_get_connection_values(connection, MHD_HEADER_KIND, &AddIfFound, &search);
  return search.values;
}

// Joined by commas where it came several times.
std::string FieldValue(MHD_Connection* connection, const char* name) {
  std::string joined;
  for (const std::string_view value : Values(connection, name)) {
    if (!joined.empty()) joined += ", ";
    joined += value;
  }
  return joined;
}

// Every request since HTTP/1.1 must, just once (RFC 9112, section 3.2).
bool NamesHost(MHD_Connection* connection, std::string_view version) {
  const auto hosts = Values(connection, MHD_HTTP_HEADER_HOST);
  return hosts.size() == 1 || (hosts.empty() && version == "HTTP/1.0");
}

}  // namespace

Exchange::Exchange(MHD_Connection* its_connection,
                   Connections::Connection* as_kept, std::string_view target)
    : connection(its_connection),
      kept(as_kept),
      client(kept->client),
      path(target.substr(0, target.find('?'))),
      target_has_cr(target.find('\r') != std::string_view::npos),
      target_end(target.data() + target.size()) {}

bool IsMalformed(const Exchange& exchange, const char* version) {
  // MHD gives the target as a C string, and the version stands behind it: a
  // target that ends early had a NUL in it.
  const bool target_has_nul = exchange.target_end + 1 != version;
  return target_has_nul || exchange.target_has_cr ||
         !NamesHost(exchange.connection, version);
}

bool HasBody(MHD_Connection* connection) {
  if (!Values(connection, MHD_HTTP_HEADER_TRANSFER_ENCODING).empty()) {
    return true;
  }
  const auto lengths = Values(connection, MHD_HTTP_HEADER_CONTENT_LENGTH);
  return std::any_of(lengths.begin(), lengths.end(),
                     [](std::string_view length) { return length != "0"; });
}

std::optional<Response> Refuse(const Exchange& exchange,
                               std::string_view method) {
  if (!exchange.route) return ErrorPage(MHD_HTTP_NOT_FOUND, "Not found.");
  if (method != "GET" && method != "HEAD") {
    Response page =
        ErrorPage(MHD_HTTP_METHOD_NOT_ALLOWED, "Method not allowed.");
    page.headers.emplace_back(MHD_HTTP_HEADER_ALLOW, "GET, HEAD");
    return page;
  }
  // There is no use for one here, and whoever sends it may be hiding another
  // request from a proxy in it.
  if (HasBody(exchange.connection)) {
    return ErrorPage(MHD_HTTP_BAD_REQUEST, "A request must not have a body.");
  }
  return std::nullopt;
}

Response Unauthorized() {
  Response page = ErrorPage(MHD_HTTP_UNAUTHORIZED, "Unauthorized.");
  page.headers.emplace_back(MHD_HTTP_HEADER_WWW_AUTHENTICATE,
                            "Basic realm=\"jemalloc_exporter\"");
  return page;
}

Request ReadRequest(MHD_Connection* connection) {
  return {.accept = FieldValue(connection, MHD_HTTP_HEADER_ACCEPT),
          .accept_encoding =
              FieldValue(connection, MHD_HTTP_HEADER_ACCEPT_ENCODING),
          .scrape_timeout =
              FieldValue(connection, "X-Prometheus-Scrape-Timeout-Seconds")};
}

std::optional<Login> ReadLogin(MHD_Connection* connection) {
  using Text = std::unique_ptr<char, decltype(&MHD_free)>;
  char* password = nullptr;
  const Text user(MHD_basic_auth_get_username_password(connection, &password),
                  &MHD_free);
  const Text owned_password(password, &MHD_free);
  if (!user || !owned_password) return std::nullopt;
  return Login{user.get(), password};
}

MHD_Result Send(Exchange& exchange, Response response) {
  exchange.response = std::move(response);
  Response& kept = *exchange.response;
  MHD_Response* const answer = MHD_create_response_from_buffer(
      kept.body.size(), kept.body.data(), MHD_RESPMEM_PERSISTENT);
  if (answer == nullptr) return MHD_NO;
  MHD_add_response_header(answer, MHD_HTTP_HEADER_CONTENT_TYPE,
                          kept.content_type.c_str());
  for (const auto& [name, value] : kept.headers) {
    MHD_add_response_header(answer, name.c_str(), value.c_str());
  }
  const MHD_Result queued =
      MHD_queue_response(exchange.connection, kept.status, answer);
  MHD_destroy_response(answer);
  return queued;
}

}  // namespace jemalloc_exporter
