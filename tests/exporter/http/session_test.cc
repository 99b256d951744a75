// Timeouts, eviction and disconnects, over connections of a real server.

#include "exporter/http/session.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>

#include <algorithm>
#include <array>
#include <latch>
#include <string>
#include <thread>
#include <vector>

#include "tests/support/http_client.h"
#include "tests/support/test_server.h"

namespace jemalloc_exporter {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;

TEST(Session, IdleSlowAndSilentClientsDelayNoOther) {
  TestServer server;
  (*server).AddHandler("/big", [](const Request&) { return Text(kBigBody); });
  (*server).AddHandler("/quick", [](const Request&) { return Text("page\n"); });
  server.Start();
  const auto idle = Connect(server.port(), 100, "");
  const auto half_sent = Connect(server.port(), 100, "GET /page HTTP/1.1\r\nH");
  const auto not_reading = Connect(server.port(), 10, Get("/big"));
  EXPECT_EQ(SendRequest(server.port(), Get("/quick")), kPage);
}

TEST(Session, ClosesAtReadTimeoutOfFirstRequest) {
  TestServer server({.connections = {.read_timeout = kShortTimeout,
                                     .write_timeout = kNoTimeout,
                                     .idle_timeout = kNoTimeout}});
  server.Start();
  HttpClient idle(server.port());
  HttpClient half_sent(server.port());
  half_sent.Send("GET /page HTTP/1.1\r\nH");
  HttpClient dripping(server.port());
  std::thread drip([&] {
    // Until the server closes, and for some bytes after that.
    for (int i = 0; i < 40; ++i) {
      dripping.Send("G");
      std::this_thread::sleep_for(kShortTimeout / 10);
    }
  });
  EXPECT_EQ(idle.ReceiveToEnd(), "");
  EXPECT_EQ(half_sent.ReceiveToEnd(), "");
  EXPECT_EQ(dripping.ReceiveToEnd(), "");
  drip.join();
}

TEST(Session, ClosesAtReadTimeoutOfFurtherRequest) {
  TestServer server({.connections = {.read_timeout = kShortTimeout,
                                     .write_timeout = kNoTimeout,
                                     .idle_timeout = kNoTimeout}});
  server.Start();
  HttpClient client(server.port());
  client.Send(Get("/page"));
  EXPECT_EQ(client.Receive(), kPage);
  std::this_thread::sleep_for(2 * kShortTimeout);
  client.Send(Get("/page"));
  EXPECT_EQ(client.Receive(), kPage);
  client.Send("GET /page HTTP/1.1\r\nH");
  EXPECT_EQ(client.ReceiveToEnd(), "");
}

TEST(Session, ClosesAtWriteTimeout) {
  TestServer server({.connections = {.read_timeout = kNoTimeout,
                                     .write_timeout = kShortTimeout,
                                     .idle_timeout = kNoTimeout}});
  (*server).AddStaticResponse("/big", Text(kBigBody));
  server.Start();
  HttpClient not_reading(server.port());
  not_reading.Send(Get("/big"));
  std::this_thread::sleep_for(4 * kShortTimeout);
  EXPECT_LT(not_reading.ReceiveToEnd().size(), kBigBody.size());
}

TEST(Session, ClosesAtIdleTimeout) {
  TestServer server({.connections = {.read_timeout = kNoTimeout,
                                     .write_timeout = kNoTimeout,
                                     .idle_timeout = kShortTimeout}});
  server.Start();
  HttpClient client(server.port());
  client.Send(Get("/page"));
  EXPECT_EQ(client.ReceiveToEnd(), kPage);
}

TEST(Session, HasNoTimeoutDuringTheHandler) {
  TestServer server({.connections = {.read_timeout = kShortTimeout,
                                     .write_timeout = kNoTimeout,
                                     .idle_timeout = kNoTimeout}});
  (*server).AddHandler("/slow", [](const Request&) {
    std::this_thread::sleep_for(4 * kShortTimeout);
    return Text("page\n");
  });
  server.Start();
  EXPECT_EQ(SendRequest(server.port(), Get("/slow")), kPage);
}

TEST(Session, IsEvictedForNewConnections) {
  TestServer server({.connections = {.total = 10}});
  server.Start();
  HttpClient served(server.port());
  served.Send(Get("/page"));
  EXPECT_EQ(served.Receive(), kPage);
  auto half_sent = Connect(server.port(), 30, "GET /page HTTP/1.1\r\nH");
  EXPECT_EQ(SendRequest(server.port(), Get("/page")), kPage);
  // The earliest were evicted; the one with a response stays.
  EXPECT_EQ(half_sent.front().ReceiveToEnd(), "");
  served.Send(Get("/page"));
  EXPECT_EQ(served.Receive(), kPage);
}

TEST(Session, WaitsInTheBacklogWhileAllAreDispatched) {
  BlockingHandler blocking;
  TestServer server({.connections = {.total = 2}});
  (*server).AddHandler("/slow", blocking.MakeHandler());
  server.Start();
  auto served = Connect(server.port(), 2, Get("/slow"));
  blocking.AwaitEntered(2);
  HttpClient waiting(server.port());
  waiting.Send(Get("/page"));
  blocking.Open();
  EXPECT_EQ(waiting.Receive(), kPage);
  for (HttpClient& client : served) {
    EXPECT_THAT(client.Receive(), HasSubstr("\r\n\r\nlate\n"));
  }
}

TEST(Session, RespondsAfterHalfClose) {
  TestServer server({.connections = {.read_timeout = kNoTimeout,
                                     .write_timeout = kNoTimeout,
                                     .idle_timeout = kNoTimeout}});
  server.Start();
  // Whether the end is seen may depend on when it comes.
  for (int i = 0; i < 100; ++i) {
    HttpClient client(server.port());
    client.Send(Get("/page"));
    shutdown(client.socket(), SHUT_WR);
    EXPECT_EQ(client.ReceiveToEnd(), kPage);
  }
}

TEST(Session, SurvivesResetDuringResponse) {
  TestServer server;
  (*server).AddHandler("/big", [](const Request&) { return Text(kBigBody); });
  server.Start();
  for (int i = 0; i < 10; ++i) {
    HttpClient client(server.port());
    client.Send(Get("/big"));
    std::array<char, 16> beginning{};
    recv(client.socket(), beginning.data(), beginning.size(), 0);
    client.Reset();
  }
  EXPECT_EQ(SendRequest(server.port(), Get("/page")), kPage);
  EXPECT_THAT(server.problems(), ElementsAre());
}

TEST(Session, SurvivesResetDuringHandler) {
  BlockingHandler blocking;
  TestServer server;
  (*server).AddHandler("/slow", blocking.MakeHandler());
  server.Start();
  HttpClient client(server.port());
  client.Send(Get("/slow"));
  blocking.AwaitEntered(1);
  client.Reset();
  blocking.Open();
  EXPECT_EQ(SendRequest(server.port(), Get("/page")), kPage);
}

TEST(Session, YieldsToOthersDuringLongPipelines) {
  TestServer server;
  server.Start();
  std::string many;
  constexpr int kRequests = 5'000;
  for (int i = 0; i < kRequests; ++i) many += Get("/page");
  HttpClient client(server.port());
  std::thread sending([&] { client.Send(many); });
  int responses = 0;
  while (responses < kRequests && client.Receive() == kPage) ++responses;
  sending.join();
  EXPECT_EQ(responses, kRequests);
}

TEST(Session, PipelinesDelayAnotherConnectionByAFewResponsesEach) {
  constexpr int kPipelines = 20;
  std::latch blocked(1);
  std::latch release(1);
  // Holds the event loop until all requests are sent.
  const auto check = [&](const std::string& authorization) {
    if (!authorization.empty()) {
      blocked.count_down();
      release.wait();
    }
    return AuthResult::kAllowed;
  };
  TestServer server({.security = {.check_credentials = check}});
  (*server).AddStaticResponse("/other", {.status = 204});
  server.Start();
  auto pipelines = Connect(server.port(), kPipelines, Get("/page"));
  for (HttpClient& client : pipelines) EXPECT_EQ(client.Receive(), kPage);
  HttpClient other(server.port());
  other.Send(Get("/page"));
  EXPECT_EQ(other.Receive(), kPage);
  HttpClient blocking(server.port());
  blocking.Send(
      "GET /page HTTP/1.1\r\nHost: a\r\nAuthorization: Basic\r\n\r\n");
  blocked.wait();
  std::string many;
  for (int i = 0; i < 100; ++i) many += Get("/page");
  for (HttpClient& client : pipelines) client.Send(many);
  other.Send(Get("/other"));
  release.count_down();
  EXPECT_THAT(other.Receive(), HasSubstr(" 204 "));

  const std::vector<int> statuses = server.statuses();
  const auto position = std::find(statuses.begin(), statuses.end(), 204);
  EXPECT_LT(position - statuses.begin(), 10 * kPipelines);
}

}  // namespace
}  // namespace jemalloc_exporter
