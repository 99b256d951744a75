// Authentication and its limits, over connections of a real server.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <atomic>
#include <cstdint>
#include <future>
#include <list>
#include <new>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "exporter/http/dispatcher.h"
#include "tests/support/http_client.h"
#include "tests/support/test_server.h"

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

}  // namespace
}  // namespace jemalloc_exporter
