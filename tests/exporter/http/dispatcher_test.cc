// Authentication, routing and limits, over connections of a real server.

#include "exporter/http/dispatcher.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <future>
#include <iterator>
#include <list>
#include <new>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "tests/support/http_client.h"
#include "tests/support/test_server.h"
#include "tests/support/wait_for.h"

namespace jemalloc_exporter {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::StartsWith;

// Credentials of a fake scheme.
constexpr auto kRight = "Authorization: Open sesame\r\n";
constexpr auto kWrong = "Authorization: Open barley\r\n";

bool IsRight(const std::string& authorization) {
  return authorization == "Open sesame";
}

AuthResult CheckAtOnce(const std::string& authorization) {
  return IsRight(authorization) ? AuthResult::kAllowed : AuthResult::kDenied;
}

AuthResult CheckLater(const std::string& authorization) {
  return authorization.empty() ? AuthResult::kDenied : AuthResult::kPending;
}

const std::string kUnauthorized =
    "Content-Type: text/plain; charset=utf-8\r\n"
    "X-Content-Type-Options: nosniff\r\n"
    "WWW-Authenticate: Basic realm=\"jemalloc_exporter\"\r\n"
    "Content-Length: 14\r\n\r\nUnauthorized.\n";

TEST(DispatcherAuth, AllowsStaticResponsesAndHandlers) {
  for (const auto check : {&CheckAtOnce, &CheckLater}) {
    TestServer server(
        {.security = {.check_credentials = check, .verify_password = IsRight}});
    (*server).AddHandler("/made",
                         [](const Request&) { return Text("page\n"); });
    server.Start();
    for (const std::string path : {"/page", "/made"}) {
      EXPECT_EQ(SendRequest(server.port(), Get(path, kRight)), kPage);
    }
  }
}

TEST(DispatcherAuth, IsRequiredForEveryPathAndMethod) {
  for (const auto check : {&CheckAtOnce, &CheckLater}) {
    TestServer server(
        {.security = {.check_credentials = check, .verify_password = IsRight}});
    server.Start();
    for (const std::string path : {"/page", "/none"}) {
      const std::string response = SendRequest(server.port(), Get(path));
      EXPECT_EQ(
          response,
          "HTTP/1.1 401 Unauthorized\r\nDate: -\r\nConnection: close\r\n" +
              kUnauthorized);
      EXPECT_THAT(SendRequest(server.port(), Get(path, kWrong)),
                  AllOf(StartsWith("HTTP/1.1 401 "), HasSubstr(kUnauthorized)));
    }
    EXPECT_THAT(
        SendRequest(server.port(), "POST /page HTTP/1.1\r\nHost: test\r\n\r\n"),
        StartsWith("HTTP/1.1 401 "));
  }
}

// Verification that blocks until it is released.
class BlockingVerification {
 public:
  ServerSecurity MakeSecurity() {
    return {.check_credentials =
                [](const std::string& authorization) {
                  return authorization.empty() ? AuthResult::kAllowed
                                               : AuthResult::kPending;
                },
            .verify_password =
                [this](const std::string& authorization) {
                  ++calls_;
                  calls_.notify_all();
                  released_.wait();
                  return IsRight(authorization);
                }};
  }
  void AwaitCall() const { calls_.wait(0); }
  int calls() const { return calls_; }
  void Release() { release_.set_value(); }

 private:
  std::atomic<int> calls_{0};
  std::promise<void> release_;
  std::shared_future<void> released_ = release_.get_future();
};

const std::string kTooManyLogins =
    "HTTP/1.1 503 Service Unavailable\r\nDate: -\r\n"
    "Content-Type: text/plain; charset=utf-8\r\n"
    "X-Content-Type-Options: nosniff\r\n"
    "Content-Length: 34\r\n\r\nToo many logins, try again later.\n";

std::string Credentials(int number) {
  return "Authorization: Wrong " + std::to_string(number) + "\r\n";
}

TEST(DispatcherAuth, LimitsVerificationsOfOneClient) {
  BlockingVerification verification;
  TestServer server({.security = verification.MakeSecurity()});
  server.Start();
  std::vector<HttpClient> waiting;
  for (int i = 0; i < 2; ++i) {
    waiting.emplace_back(server.port()).Send(Get("/page", Credentials(i)));
  }
  verification.AwaitCall();
  // By now, the server has read both. All clients here have one address.
  EXPECT_EQ(SendRequest(server.port(), Get("/page")), kPage);
  EXPECT_EQ(SendRequest(server.port(), Get("/page", Credentials(2))),
            kTooManyLogins);
  EXPECT_EQ(SendRequest(server.port(), Get("/page")), kPage);
  verification.Release();
  for (HttpClient& client : waiting) {
    EXPECT_THAT(client.Receive(), StartsWith("HTTP/1.1 401 "));
  }
}

TEST(DispatcherAuth, VerifiesEqualCredentialsOnce) {
  BlockingVerification verification;
  TestServer server({.security = verification.MakeSecurity()});
  server.Start();
  std::vector<HttpClient> waiting;
  for (int i = 0; i < 20; ++i) {
    waiting.emplace_back(server.port()).Send(Get("/page", kRight));
  }
  verification.AwaitCall();
  // By now, the server has read what the 20 clients sent.
  EXPECT_EQ(SendRequest(server.port(), Get("/page")), kPage);
  verification.Release();
  for (HttpClient& client : waiting) EXPECT_EQ(client.Receive(), kPage);
  EXPECT_EQ(verification.calls(), 1);
}

// The users may have changed meanwhile.
TEST(DispatcherAuth, KeepsNoResultAfterTheResponse) {
  std::atomic<int> calls{0};
  TestServer server({.security = {.check_credentials = CheckLater,
                                  .verify_password = [&](const std::string&) {
                                    return ++calls == 1;
                                  }}});
  server.Start();
  EXPECT_EQ(SendRequest(server.port(), Get("/page", kRight)), kPage);
  EXPECT_THAT(SendRequest(server.port(), Get("/page", kRight)),
              StartsWith("HTTP/1.1 401 "));
  EXPECT_EQ(calls, 2);
}

TEST(DispatcherAuth, ALackOfMemoryCostsOneConnection) {
  TestServer server(
      {.security = {.check_credentials = CheckLater,
                    .verify_password = [](const std::string& authorization) {
                      if (IsRight(authorization)) return true;
                      throw std::bad_alloc();
                    }}});
  server.Start();
  EXPECT_EQ(SendRequest(server.port(), Get("/page", kWrong)), "");
  EXPECT_EQ(SendRequest(server.port(), Get("/page", kRight)), kPage);
}

// Clients of 127.0.0.1, 127.0.0.2 and so on.
class ClientAt {
 public:
  ClientAt(int port, int host) : socket_(::socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr =
        htonl(INADDR_LOOPBACK + static_cast<std::uint32_t>(host));
    EXPECT_EQ(bind(socket_.get(), reinterpret_cast<sockaddr*>(&address),
                   sizeof(address)),
              0);
    client_.emplace(port, std::move(socket_));
  }
  HttpClient& operator*() { return *client_; }

 private:
  FileDescriptor socket_;
  std::optional<HttpClient> client_;
};

TEST(DispatcherAuth, LimitsVerificationsInTotal) {
  BlockingVerification verification;
  TestServer server({.security = verification.MakeSecurity()});
  server.Start();
  std::list<ClientAt> waiting;
  for (int i = 0; i < 8; ++i) {
    waiting.emplace_back(server.port(), i);
    (*waiting.back()).Send(Get("/page", Credentials(i)));
  }
  verification.AwaitCall();
  EXPECT_EQ(SendRequest(server.port(), Get("/page")), kPage);
  ClientAt ninth(server.port(), 8);
  (*ninth).Send(Get("/page", Credentials(8)));
  EXPECT_EQ((*ninth).Receive(), kTooManyLogins);
  EXPECT_EQ(verification.calls(), 1);  // One at a time.
  verification.Release();
  for (ClientAt& client : waiting) {
    EXPECT_THAT((*client).Receive(), StartsWith("HTTP/1.1 401 "));
  }
}

TEST(DispatcherAuth, SurvivesADisconnectDuringVerification) {
  std::promise<void> open;
  std::promise<void> begun;
  TestServer server({.security = {.check_credentials = CheckLater,
                                  .verify_password = [&](const std::string&) {
                                    begun.set_value();
                                    open.get_future().wait();
                                    return true;
                                  }}});
  server.Start();
  HttpClient client(server.port());
  client.Send(Get("/page", kRight));
  begun.get_future().wait();
  client.Reset();
  EXPECT_THAT(SendRequest(server.port(), Get("/page")),
              StartsWith("HTTP/1.1 401 "));
  open.set_value();
}

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
