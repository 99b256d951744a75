// Routing and limits of requests, over connections of a real server.

#include "exporter/http/dispatcher.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <filesystem>
#include <future>
#include <iterator>
#include <string>
#include <thread>
#include <vector>

#include "tests/support/http_client.h"
#include "tests/support/test_server.h"
#include "tests/support/wait_for.h"

namespace jemalloc_exporter {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::StartsWith;

TEST(Dispatcher, AddsSecurityHeadersToEveryResponse) {
  TestServer server({.security = {.headers = [] {
                       return Headers{{"X-Frame-Options", "deny"}};
                     }}});
  server.Start();
  for (const std::string path : {"/page", "/none"}) {
    EXPECT_THAT(SendRequest(server.port(), Get(path)),
                HasSubstr("\r\nX-Frame-Options: deny\r\n"));
  }
}

TEST(Dispatcher, RejectsBeyondMaxRequests) {
  BlockingHandler blocking;
  TestServer server({.max_requests = 2});
  (*server).AddHandler("/slow", blocking.MakeHandler());
  server.Start();
  HttpClient first(server.port());
  HttpClient second(server.port());
  first.Send(Get("/slow"));
  second.Send(Get("/slow"));
  blocking.AwaitEntered(2);
  EXPECT_EQ(SendRequest(server.port(), Get("/slow")),
            "HTTP/1.1 503 Service Unavailable\r\nDate: -\r\n"
            "Content-Type: text/plain; charset=utf-8\r\n"
            "X-Content-Type-Options: nosniff\r\n"
            "Content-Length: 59\r\n\r\n"
            "Limit of concurrent requests reached (2), try again later.\n");
  EXPECT_EQ(SendRequest(server.port(), Get("/page")), kPage);
  blocking.Open();
  EXPECT_THAT(first.Receive(), HasSubstr("\r\n\r\nlate\n"));
  EXPECT_THAT(second.Receive(), HasSubstr("\r\n\r\nlate\n"));
  EXPECT_THAT(SendRequest(server.port(), Get("/slow")),
              HasSubstr("\r\n\r\nlate\n"));
}

TEST(Dispatcher, RunsLongHandlersBesideMaxRequests) {
  BlockingHandler blocking;
  TestServer server({.max_requests = 1});
  (*server).AddLongHandler("/long", blocking.MakeHandler());
  (*server).AddHandler("/quick", [](const Request&) { return Text("page\n"); });
  server.Start();
  auto clients = Connect(server.port(), kMaxLongHandlers, Get("/long"));
  blocking.AwaitEntered(kMaxLongHandlers);
  EXPECT_EQ(SendRequest(server.port(), Get("/quick")), kPage);
  EXPECT_THAT(SendRequest(server.port(), Get("/long")),
              AllOf(StartsWith("HTTP/1.1 503 "),
                    HasSubstr("Limit of concurrent requests reached (8)")));
  blocking.Open();
  for (HttpClient& client : clients) {
    EXPECT_THAT(client.Receive(), HasSubstr("\r\n\r\nlate\n"));
  }
}

TEST(Dispatcher, ReturnsTheEndOfTheClientToAHandler) {
  std::promise<bool> disconnected;
  std::promise<void> entered;
  TestServer server;
  (*server).AddLongHandler("/long", [&](const Request& request) {
    EXPECT_FALSE(HasDisconnected(request));
    entered.set_value();
    disconnected.set_value(WaitFor([&] { return HasDisconnected(request); }));
    return Text("late\n");
  });
  server.Start();
  {
    const HttpClient client(server.port());
    client.Send(Get("/long"));
    entered.get_future().wait();
  }
  EXPECT_TRUE(disconnected.get_future().get());
}

// Sends 100 requests at a time; returns the statuses of the responses, sorted.
std::vector<int> SendAHundredRequests(TestServer& server,
                                      BlockingHandler& blocking,
                                      std::size_t expected_to_enter) {
  std::vector<HttpClient> clients;
  for (int i = 0; i < 100; ++i) {
    clients.emplace_back(server.port());
    clients.back().Send(Get("/slow"));
  }
  blocking.AwaitEntered(static_cast<int>(expected_to_enter));
  EXPECT_EQ(SendRequest(server.port(), Get("/page")), kPage);
  const std::size_t responses_by_now = 1 + clients.size() - expected_to_enter;
  while (server.statuses().size() < responses_by_now) std::this_thread::yield();
  blocking.Open();
  for (HttpClient& client : clients) client.Receive();
  std::vector<int> statuses = server.statuses();
  std::sort(statuses.begin(), statuses.end());
  return statuses;
}

TEST(Dispatcher, RunsMaxRequestsHandlersAtOnce) {
  BlockingHandler blocking;
  TestServer server({.max_requests = 40});
  (*server).AddHandler("/slow", blocking.MakeHandler());
  server.Start();
  std::vector<int> expected(41, 200);
  expected.insert(expected.end(), 60, 503);
  EXPECT_EQ(SendAHundredRequests(server, blocking, 40), expected);
}

TEST(Dispatcher, ServesSimultaneousQuickRequests) {
  TestServer server;
  (*server).AddHandler("/quick", [](const Request&) { return Text("page\n"); });
  server.Start();
  std::vector<HttpClient> clients;
  for (int i = 0; i < 200; ++i) clients.emplace_back(server.port());
  for (HttpClient& client : clients) client.Send(Get("/quick"));
  for (HttpClient& client : clients) EXPECT_EQ(client.Receive(), kPage);
}

TEST(Dispatcher, RunsAnyNumberOfHandlersWithoutLimit) {
  BlockingHandler blocking;
  TestServer server({.max_requests = 0});
  (*server).AddHandler("/slow", blocking.MakeHandler());
  server.Start();
  EXPECT_EQ(SendAHundredRequests(server, blocking, 100),
            std::vector<int>(101, 200));
}

// Health checks of HAProxy send `OPTIONS / HTTP/1.0`.
TEST(Dispatcher, RespondsToOptions) {
  TestServer server;
  server.Start();
  const std::string ok =
      "HTTP/1.1 200 OK\r\nDate: -\r\nAllow: GET, HEAD, OPTIONS\r\n"
      "Content-Length: 0\r\n\r\n";
  for (const std::string target : {"/page", "*"}) {
    EXPECT_EQ(SendRequest(server.port(),
                          "OPTIONS " + target + " HTTP/1.1\r\nHost: a\r\n\r\n"),
              ok);
  }
  EXPECT_THAT(SendRequest(server.port(), "OPTIONS /page HTTP/1.0\r\n\r\n"),
              StartsWith("HTTP/1.1 200 "));
  EXPECT_THAT(
      SendRequest(server.port(), "OPTIONS /none HTTP/1.1\r\nHost: a\r\n\r\n"),
      StartsWith("HTTP/1.1 404 "));
}

std::size_t Threads() {
  const std::filesystem::directory_iterator tasks("/proc/self/task");
  return static_cast<std::size_t>(std::distance(begin(tasks), end(tasks)));
}

TEST(Dispatcher, ServesManyQuickClientsWithFewThreads) {
  TestServer server;
  (*server).AddHandler("/quick", [](const Request&) { return Text("page\n"); });
  server.Start();
  const std::size_t before = Threads();
  std::size_t most = 0;
  std::vector<HttpClient> clients;
  for (int i = 0; i < 512; ++i) clients.emplace_back(server.port());
  for (int round = 0; round < 20; ++round) {
    for (HttpClient& client : clients) client.Send(Get("/quick"));
    for (HttpClient& client : clients) EXPECT_EQ(client.Receive(), kPage);
    most = std::max(most, Threads() - before);
  }
  EXPECT_LE(most, 16U);
}

TEST(Dispatcher, SlowHandlersDoNotDelayOtherRequests) {
  using std::chrono::steady_clock;
  BlockingHandler slow;
  TestServer server;
  (*server).AddHandler("/slow", slow.MakeHandler());
  (*server).AddHandler("/quick", [](const Request&) { return Text("page\n"); });
  server.Start();
  auto clients = Connect(server.port(), 30, Get("/slow"));
  auto start = steady_clock::now();
  EXPECT_EQ(SendRequest(server.port(), Get("/quick")), kPage);
  const auto below_limit = steady_clock::now() - start;
  std::ranges::move(Connect(server.port(), 20, Get("/slow")),
                    std::back_inserter(clients));
  start = steady_clock::now();
  EXPECT_EQ(SendRequest(server.port(), Get("/page")), kPage);
  const auto above_limit = steady_clock::now() - start;
  slow.Open();
  int rejected = 0;
  for (HttpClient& client : clients) {
    if (client.Receive().starts_with("HTTP/1.1 503 ")) ++rejected;
  }
  EXPECT_LE(rejected, 10);
  // The slow handlers never end by themselves. The delay is 25 ms at most where
  // the machine is idle; this one may be busy.
  EXPECT_LT(below_limit, std::chrono::seconds(10));
  EXPECT_LT(above_limit, std::chrono::seconds(10));
}

}  // namespace
}  // namespace jemalloc_exporter
