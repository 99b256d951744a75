#include "jemalloc_exporter/server.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <prometheus/gauge.h>
#include <prometheus/registry.h>

#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>

#include "tests/support/collectables.h"
#include "tests/support/http_client.h"

namespace jemalloc_exporter {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::StartsWith;

class ServerTest : public testing::Test {
 protected:
  int port() const { return server_.GetListeningPorts().at(0); }
  std::string Get(const std::string& path,
                  const std::string& headers = {}) const {
    return SendRequest(port(), jemalloc_exporter::Get(path, headers));
  }
  // The body of /metrics.
  std::string Page() const {
    const std::string response = Get("/metrics");
    return response.substr(response.find("\r\n\r\n") + 4);
  }

  Server server_{"127.0.0.1:0"};
};

TEST_F(ServerTest, ServesACollectable) {
  const auto gauge = GaugeOf("g", 1);
  server_.RegisterCollectable(gauge);
  EXPECT_TRUE(server_.ok());
  EXPECT_EQ(server_.error(), "");
  EXPECT_EQ(Get("/metrics"),
            "HTTP/1.1 200 OK\r\nDate: -\r\n"
            "Content-Type: text/plain; version=0.0.4; charset=utf-8\r\n"
            "Vary: Accept, Accept-Encoding\r\n"
            "Content-Length: 19\r\n\r\n# TYPE g gauge\ng 1\n");
}

TEST_F(ServerTest, ServesOpenMetricsToPrometheus) {
  const auto gauge = GaugeOf("g", 1);
  server_.RegisterCollectable(gauge);
  EXPECT_EQ(Get("/metrics",
                "Accept: application/openmetrics-text;version=1.0.0,"
                "text/plain;version=0.0.4;q=0.5,*/*;q=0.1\r\n"
                "Accept-Encoding: gzip\r\n"),
            "HTTP/1.1 200 OK\r\nDate: -\r\n"
            "Content-Type: application/openmetrics-text; version=1.0.0; "
            "charset=utf-8\r\n"
            "Vary: Accept, Accept-Encoding\r\n"
            "Content-Length: 25\r\n\r\n# TYPE g gauge\ng 1\n# EOF\n");
}

TEST_F(ServerTest, ServesARegistryOfPrometheusCpp) {
  const auto registry = std::make_shared<prometheus::Registry>();
  prometheus::BuildGauge().Name("g").Help("A gauge").Register(*registry).Add(
      {});
  server_.RegisterCollectable(registry);
  EXPECT_EQ(Page(), "# HELP g A gauge\n# TYPE g gauge\ng 0\n");
}

TEST_F(ServerTest, ServesEachCollectableAtItsPath) {
  const auto a = GaugeOf("a", 1);
  const auto b = GaugeOf("b", 1);
  const auto c = GaugeOf("c", 1);
  server_.RegisterCollectable(a);
  server_.RegisterCollectable(b);
  server_.RegisterCollectable(c, "/other");
  EXPECT_EQ(Page(), "# TYPE a gauge\na 1\n# TYPE b gauge\nb 1\n");
  EXPECT_THAT(Get("/other"), HasSubstr("\r\n\r\n# TYPE c gauge\nc 1\n"));
}

TEST_F(ServerTest, Returns404WithoutCollectable) {
  EXPECT_THAT(Get("/metrics"), StartsWith("HTTP/1.1 404 "));
  server_.RemoveCollectable(GaugeOf("g", 1));
  EXPECT_THAT(Get("/metrics"), StartsWith("HTTP/1.1 404 "));
}

TEST_F(ServerTest, RemovesACollectable) {
  const auto a = GaugeOf("a", 1);
  auto b = GaugeOf("b", 1);
  const auto c = GaugeOf("c", 1);
  for (const auto& each : {a, b, c}) server_.RegisterCollectable(each);
  server_.RemoveCollectable(a);
  b.reset();
  EXPECT_EQ(Page(), "# TYPE c gauge\nc 1\n");
}

TEST_F(ServerTest, Returns500ForAnException) {
  bool bad = true;
  const auto good = GaugeOf("g", 1);
  const auto failing = Collecting([&]() -> FakeCollectable::Families {
    if (bad) throw std::runtime_error("no luck");
    return {};
  });
  server_.RegisterCollectable(good);
  server_.RegisterCollectable(failing);
  EXPECT_EQ(Get("/metrics"),
            "HTTP/1.1 500 Internal Server Error\r\nDate: -\r\n"
            "Content-Type: text/plain; charset=utf-8\r\n"
            "X-Content-Type-Options: nosniff\r\n"
            "Content-Length: 31\r\n\r\ncannot serve /metrics: no luck\n");
  bad = false;
  EXPECT_EQ(Page(), "# TYPE g gauge\ng 1\n");
}

TEST_F(ServerTest, Returns500ForANonStandardException) {
  const auto bad =
      Collecting([]() -> FakeCollectable::Families { throw "a string"; });
  server_.RegisterCollectable(bad);
  EXPECT_THAT(Get("/metrics"),
              HasSubstr("\r\n\r\ncannot serve /metrics: unknown exception\n"));
}

TEST_F(ServerTest, AcceptsChangesDuringResponses) {
  const auto always = GaugeOf("always", 1);
  const auto sometimes = GaugeOf("sometimes", 1);
  server_.RegisterCollectable(always);
  std::thread changing([&] {
    for (int i = 0; i < 200; ++i) {
      server_.RegisterCollectable(sometimes);
      server_.RemoveCollectable(sometimes);
    }
  });
  for (int i = 0; i < 100; ++i) {
    EXPECT_THAT(Page(), StartsWith("# TYPE always gauge\nalways 1\n"));
  }
  changing.join();
}

TEST_F(ServerTest, HasAnErrorIfItCannotListen) {
  const std::string address = "127.0.0.1:" + std::to_string(port());
  Server second(address);
  EXPECT_FALSE(second.ok());
  EXPECT_EQ(second.error(),
            "cannot listen on " + address + ": Address already in use");
  EXPECT_THAT(second.GetListeningPorts(), ElementsAre());
}

TEST(Server, AcceptsCollectablesIfItCannotListen) {
  Server server("nonsense");
  const auto gauge = GaugeOf("g", 1);
  server.RegisterCollectable(gauge);
  server.RemoveCollectable(gauge);
  EXPECT_FALSE(server.ok());
}

TEST(Server, ReleasesThePort) {
  std::optional<Server> server("127.0.0.1:0");
  const int port = server->GetListeningPorts().at(0);
  server.reset();
  EXPECT_FALSE(HttpClient(port).connected());
  server.emplace("127.0.0.1:" + std::to_string(port));
  EXPECT_TRUE(server->ok()) << server->error();
}

}  // namespace
}  // namespace jemalloc_exporter
