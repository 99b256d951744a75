// Who is answered, and how many at once: as clients of a server see it.

#include "web/answering.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <future>
#include <string>
#include <thread>
#include <vector>

#include "tests/http_client.h"
#include "tests/test_server.h"

namespace jemalloc_exporter {
namespace {

using testing::AllOf;
using testing::HasSubstr;
using testing::StartsWith;

// A door that lets nobody in but who says the word.
constexpr auto kRight = "Authorization: Open sesame\r\n";
constexpr auto kWrong = "Authorization: Open barley\r\n";

bool IsRight(const std::string& authorization) {
  return authorization == "Open sesame";
}

Admission JudgeAtOnce(const std::string& authorization) {
  return IsRight(authorization) ? Admission::kGranted : Admission::kDenied;
}

Admission JudgeLater(const std::string& authorization) {
  return authorization.empty() ? Admission::kDenied : Admission::kUnknown;
}

const std::string kUnauthorized =
    "Content-Type: text/plain; charset=utf-8\r\n"
    "X-Content-Type-Options: nosniff\r\n"
    "WWW-Authenticate: Basic realm=\"jemalloc_exporter\"\r\n"
    "Content-Length: 14\r\n\r\nUnauthorized.\n";

TEST(AnsweringLogin, OpensPagesAndHandlers) {
  for (const auto judge : {&JudgeAtOnce, &JudgeLater}) {
    TestServer server({.door = {.judge = judge, .verify = IsRight}});
    (*server).AddHandler("/made",
                         [](const Request&) { return Text("page\n"); });
    server.Start();
    for (const std::string path : {"/page", "/made"}) {
      EXPECT_EQ(Ask(server.port(), Get(path, kRight)), kPage);
    }
  }
}

TEST(AnsweringLogin, IsNeededForEveryPathAndMethod) {
  for (const auto judge : {&JudgeAtOnce, &JudgeLater}) {
    TestServer server({.door = {.judge = judge, .verify = IsRight}});
    server.Start();
    for (const std::string path : {"/page", "/none"}) {
      const std::string answer = Ask(server.port(), Get(path));
      EXPECT_EQ(
          answer,
          "HTTP/1.1 401 Unauthorized\r\nDate: -\r\nConnection: close\r\n" +
              kUnauthorized);
      EXPECT_THAT(Ask(server.port(), Get(path, kWrong)),
                  AllOf(StartsWith("HTTP/1.1 401 "), HasSubstr(kUnauthorized)));
    }
    EXPECT_THAT(Ask(server.port(), "POST /page HTTP/1.1\r\nHost: test\r\n\r\n"),
                StartsWith("HTTP/1.1 401 "));
  }
}

TEST(AnsweringLogin, HoldsUpNobodyWhoIsKnownAndIsRefusedBeyondAFew) {
  std::promise<void> open;
  std::shared_future<void> opened = open.get_future();
  std::atomic<int> begun = 0;
  TestServer server(
      {.door = {.judge =
                    [](const std::string& authorization) {
                      return authorization.empty() ? Admission::kGranted
                                                   : Admission::kUnknown;
                    },
                .verify =
                    [&begun, opened](const std::string& authorization) {
                      ++begun;
                      opened.wait();
                      return IsRight(authorization);
                    }}});
  server.Start();
  std::vector<HttpClient> waiting;
  for (int i = 0; i < 2; ++i) {
    waiting.emplace_back(server.port()).Send(Get("/page", kRight));
  }
  while (begun < 2) std::this_thread::yield();
  // All clients here have one address: these two are as many as it may have.
  EXPECT_EQ(Ask(server.port(), Get("/page", kWrong)),
            "HTTP/1.1 503 Service Unavailable\r\nDate: -\r\n"
            "Content-Type: text/plain; charset=utf-8\r\n"
            "X-Content-Type-Options: nosniff\r\n"
            "Content-Length: 34\r\n\r\nToo many logins, try again later.\n");
  EXPECT_EQ(Ask(server.port(), Get("/page")), kPage);
  open.set_value();
  for (HttpClient& client : waiting) EXPECT_EQ(client.Receive(), kPage);
}

TEST(AnsweringLogin, MayBeOfAClientThatHasGone) {
  std::promise<void> open;
  std::promise<void> begun;
  TestServer server(
      {.door = {.judge = JudgeLater, .verify = [&](const std::string&) {
                  begun.set_value();
                  open.get_future().wait();
                  return true;
                }}});
  server.Start();
  HttpClient client(server.port());
  client.Send(Get("/page", kRight));
  begun.get_future().wait();
  client.Reset();
  EXPECT_THAT(Ask(server.port(), Get("/page")), StartsWith("HTTP/1.1 401 "));
  open.set_value();
}

TEST(Answering, AddsHeadersToEveryAnswer) {
  TestServer server({.door = {.headers = [] {
                       return Headers{{"X-Frame-Options", "deny"}};
                     }}});
  server.Start();
  for (const std::string path : {"/page", "/none"}) {
    EXPECT_THAT(Ask(server.port(), Get(path)),
                HasSubstr("\r\nX-Frame-Options: deny\r\n"));
  }
}

TEST(Answering, AnswersAtOnceBeyondItsLimit) {
  Gate gate;
  TestServer server({.max_requests = 2});
  (*server).AddHandler("/slow", gate.MakeHandler());
  server.Start();
  HttpClient first(server.port());
  HttpClient second(server.port());
  first.Send(Get("/slow"));
  second.Send(Get("/slow"));
  gate.AwaitEntered(2);
  EXPECT_EQ(Ask(server.port(), Get("/slow")),
            "HTTP/1.1 503 Service Unavailable\r\nDate: -\r\n"
            "Content-Type: text/plain; charset=utf-8\r\n"
            "X-Content-Type-Options: nosniff\r\n"
            "Content-Length: 59\r\n\r\n"
            "Limit of concurrent requests reached (2), try again later.\n");
  EXPECT_EQ(Ask(server.port(), Get("/page")), kPage);
  gate.Open();
  EXPECT_THAT(first.Receive(), HasSubstr("\r\n\r\nlate\n"));
  EXPECT_THAT(second.Receive(), HasSubstr("\r\n\r\nlate\n"));
  EXPECT_THAT(Ask(server.port(), Get("/slow")), HasSubstr("\r\n\r\nlate\n"));
}

// Sends 100 requests at a time; returns the statuses of the answers, sorted.
std::vector<int> AskAHundredTimes(TestServer& server, Gate& gate,
                                  std::size_t expected_to_enter) {
  std::vector<HttpClient> clients;
  for (int i = 0; i < 100; ++i) {
    clients.emplace_back(server.port());
    clients.back().Send(Get("/slow"));
  }
  gate.AwaitEntered(static_cast<int>(expected_to_enter));
  EXPECT_EQ(Ask(server.port(), Get("/page")), kPage);
  const std::size_t answered_by_now = 1 + clients.size() - expected_to_enter;
  while (server.statuses().size() < answered_by_now) std::this_thread::yield();
  gate.Open();
  for (HttpClient& client : clients) client.Receive();
  std::vector<int> statuses = server.statuses();
  std::sort(statuses.begin(), statuses.end());
  return statuses;
}

TEST(Answering, RunsAsManyHandlersAsTheLimitAllows) {
  Gate gate;
  TestServer server({.max_requests = 40});
  (*server).AddHandler("/slow", gate.MakeHandler());
  server.Start();
  std::vector<int> expected(41, 200);
  expected.insert(expected.end(), 60, 503);
  EXPECT_EQ(AskAHundredTimes(server, gate, 40), expected);
}

TEST(Answering, ServesAnyNumberOfQuickRequestsThatArriveAtOnce) {
  TestServer server;
  (*server).AddHandler("/quick", [](const Request&) { return Text("page\n"); });
  server.Start();
  std::vector<HttpClient> clients;
  for (int i = 0; i < 200; ++i) clients.emplace_back(server.port());
  for (HttpClient& client : clients) client.Send(Get("/quick"));
  for (HttpClient& client : clients) EXPECT_EQ(client.Receive(), kPage);
}

TEST(Answering, RunsAnyNumberOfHandlersWithoutALimit) {
  Gate gate;
  TestServer server({.max_requests = 0});
  (*server).AddHandler("/slow", gate.MakeHandler());
  server.Start();
  EXPECT_EQ(AskAHundredTimes(server, gate, 100), std::vector<int>(101, 200));
}

}  // namespace
}  // namespace jemalloc_exporter
