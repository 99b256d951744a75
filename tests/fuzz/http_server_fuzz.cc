// Requests of any client, followed by a half-close. Bit 0 of the first byte
// selects the server: 0 requires authentication, 1 does not. Bits 1 and 2 are
// the number of segments that the other bytes are sent in, minus 1.

#include <sys/socket.h>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "exporter/endpoints/metrics_response.h"
#include "exporter/http/listen.h"
#include "exporter/http/server.h"
#include "tests/fuzz/require.h"
#include "tests/support/http_client.h"
#include "tests/support/http_response_checker.h"
#include "tests/support/sample_families.h"

namespace {

using jemalloc_exporter::AuthResult;
using jemalloc_exporter::Request;
using jemalloc_exporter::Require;
using jemalloc_exporter::Response;
using namespace std::chrono_literals;

// Part of requests. No response may contain it.
constexpr std::string_view kMarker = "QxZj";

jemalloc_exporter::ServerSecurity WithBasicAuth() {
  return {.check_credentials =
              [](const std::string& authorization) {
                return authorization.empty() ? AuthResult::kDenied
                                             : AuthResult::kPending;
              },
          .verify_password =
              [](const std::string& authorization) {
                return authorization == "Basic YTpi";
              }};
}

class Server {
 public:
  explicit Server(jemalloc_exporter::ServerSecurity security)
      : http_({.connections = {.read_timeout = 100ms,
                               .write_timeout = 5s,
                               .idle_timeout = 100ms},
               .security = std::move(security)}) {
    http_.AddStaticResponse("/page",
                            {.content_type = "text/plain", .body = "page\n"});
    http_.AddHandler("/metrics", [](const Request& request) {
      return MetricsResponse(request, jemalloc_exporter::SampleFamilies());
    });
    http_.AddHandler("/bad", [](const Request&) -> Response {
      throw std::runtime_error("error of a handler");
    });
    std::string error;
    std::vector<jemalloc_exporter::FileDescriptor> listeners;
    listeners.push_back(jemalloc_exporter::Listen("127.0.0.1:0", &error));
    port_ = jemalloc_exporter::ListeningPort(listeners.front());
    Require(http_.Start(std::move(listeners), &error));
  }

  int port() const { return port_; }

 private:
  int port_ = 0;
  jemalloc_exporter::HttpServer http_;
};

// Returns all data received until the server closes. A server that does not
// close makes the fuzzer or test time out.
std::string SendAndReceive(const Server& server, unsigned segmentation,
                           std::string_view bytes) {
  jemalloc_exporter::HttpClient client(server.port());
  Require(client.connected());
  const std::size_t size = bytes.size() / (1 + (segmentation >> 1 & 3)) + 1;
  while (!bytes.empty()) {
    client.Send(bytes.substr(0, size));
    bytes.remove_prefix(std::min(size, bytes.size()));
    if (!bytes.empty()) std::this_thread::sleep_for(50us);
  }
  shutdown(client.socket(), SHUT_WR);
  return client.ReceiveToEnd();
}

}  // namespace

// A malformed response throws, which terminates the process.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data,
                                      std::size_t size) {
  static const Server without_auth({});
  static const Server with_auth(WithBasicAuth());
  if (size == 0) return 0;
  const std::string_view bytes(reinterpret_cast<const char*>(data) + 1,
                               size - 1);
  const std::string responses = SendAndReceive(
      (data[0] & 1) != 0 ? without_auth : with_auth, data[0], bytes);
  Require(responses.find(kMarker) == std::string::npos);
  jemalloc_exporter::ReadAnswers(responses,
                                 bytes.find("HEAD") != std::string_view::npos);
  return 0;
}
