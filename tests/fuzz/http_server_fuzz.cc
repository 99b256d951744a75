// What anybody may send to the server, and then no more. Of the first byte the
// lowest bit says at which door, 0 for the one that asks for a login, and the
// two bits above it, in how many pieces the other bytes arrive.

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

// Stands in requests, and in nothing that a server has to say.
constexpr std::string_view kMarker = "QxZj";

jemalloc_exporter::ServerSecurity WithLogin() {
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
      throw std::runtime_error("out of luck");
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

// All that the server says until it closes, as it has to: a fuzzer or a test
// that waits in vain fails.
std::string Converse(const Server& server, unsigned manner,
                     std::string_view bytes) {
  jemalloc_exporter::HttpClient client(server.port());
  Require(client.connected());
  const std::size_t size = bytes.size() / (1 + (manner >> 1 & 3)) + 1;
  while (!bytes.empty()) {
    client.Send(bytes.substr(0, size));
    bytes.remove_prefix(std::min(size, bytes.size()));
    if (!bytes.empty()) std::this_thread::sleep_for(50us);
  }
  shutdown(client.socket(), SHUT_WR);
  return client.ReceiveToEnd();
}

}  // namespace

// An answer that is not well-formed ends the process by its exception.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data,
                                      std::size_t size) {
  static const Server open({});
  static const Server locked(WithLogin());
  if (size == 0) return 0;
  const std::string_view bytes(reinterpret_cast<const char*>(data) + 1,
                               size - 1);
  const std::string answers =
      Converse((data[0] & 1) != 0 ? open : locked, data[0], bytes);
  Require(answers.find(kMarker) == std::string::npos);
  jemalloc_exporter::ReadAnswers(answers,
                                 bytes.find("HEAD") != std::string_view::npos);
  return 0;
}
