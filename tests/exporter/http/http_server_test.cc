#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <stdexcept>
#include <string>
#include <utility>

#include "exporter/http/server.h"
#include "tests/support/http_client.h"
#include "tests/support/test_server.h"

namespace jemalloc_exporter {
namespace {

using testing::AllOf;
using testing::Each;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::StartsWith;

class HttpServerTest : public testing::Test {
 protected:
  HttpServerTest() { server_.Start(); }

  std::string SendRequest(const std::string& request) const {
    return jemalloc_exporter::SendRequest(server_.port(), request);
  }

  TestServer server_;
};

TEST_F(HttpServerTest, RespondsToGetWithStaticResponse) {
  EXPECT_EQ(SendRequest(Get("/page")), kPage);
}

TEST_F(HttpServerTest, RespondsToGetWithHandlerResponse) {
  (*server_).AddHandler("/made", [](const Request&) {
    return Response{.status = 203,
                    .content_type = "text/html",
                    .body = "<p>",
                    .headers = {{"Vary", "Accept"}, {"X-Extra", "yes"}}};
  });
  EXPECT_EQ(SendRequest(Get("/made")),
            "HTTP/1.1 203 Non-Authoritative Information\r\nDate: -\r\n"
            "Content-Type: text/html\r\nVary: Accept\r\nX-Extra: yes\r\n"
            "Content-Length: 3\r\n\r\n<p>");
}

TEST_F(HttpServerTest, SendsContentLengthOfAnEmptyBody) {
  (*server_).AddStaticResponse("/empty", Text(""));
  EXPECT_EQ(SendRequest(Get("/empty")),
            "HTTP/1.1 200 OK\r\nDate: -\r\nContent-Type: text/plain\r\n"
            "Content-Length: 0\r\n\r\n");
}

TEST_F(HttpServerTest, RespondsToHeadAsToGetWithoutTheBody) {
  (*server_).AddHandler("/handler",
                        [](const Request&) { return Text("page\n"); });
  const std::string head = kPage.substr(0, kPage.find("page"));
  for (const std::string path : {"/page", "/handler"}) {
    HttpClient client(server_.port());
    client.Send("HEAD " + path + " HTTP/1.1\r\nHost: test\r\n" +
                "Connection: close\r\n\r\n");
    std::string closing = head;
    closing.insert(closing.find("Content-Type"), "Connection: close\r\n");
    EXPECT_EQ(client.ReceiveToEnd(), closing);
  }
}

TEST_F(HttpServerTest, SendsNoLengthToHeadWithoutABody) {
  (*server_).AddHandler("/unknown", [](const Request& request) {
    return Text(request.is_head ? "" : "made\n");
  });
  HttpClient client(server_.port());
  client.Send("HEAD /unknown HTTP/1.1\r\nHost: test\r\n\r\n");
  EXPECT_EQ(client.Receive(false),
            "HTTP/1.1 200 OK\r\nDate: -\r\nContent-Type: text/plain\r\n\r\n");
  client.Send(Get("/unknown"));
  EXPECT_THAT(client.Receive(), testing::EndsWith("\r\n\r\nmade\n"));
}

TEST_F(HttpServerTest, SendsManyMegabytes) {
  (*server_).AddHandler("/big", [](const Request&) { return Text(kBigBody); });
  EXPECT_TRUE(SendRequest(Get("/big")).ends_with("\r\n\r\n" + kBigBody));
}

TEST_F(HttpServerTest, KeepsConnectionsAlive) {
  HttpClient client(server_.port());
  for (int i = 0; i < 3; ++i) {
    client.Send(Get("/page"));
    EXPECT_EQ(client.Receive(), kPage);
  }
}

TEST_F(HttpServerTest, RespondsToPipelinedRequestsInOrder) {
  (*server_).AddHandler("/handler",
                        [](const Request&) { return Text("late\n"); });
  HttpClient client(server_.port());
  client.Send(Get("/page") + Get("/handler") + Get("/page") + Get("/handler"));
  EXPECT_EQ(client.Receive(), kPage);
  EXPECT_THAT(client.Receive(), HasSubstr("\r\n\r\nlate\n"));
  EXPECT_EQ(client.Receive(), kPage);
  EXPECT_THAT(client.Receive(), HasSubstr("\r\n\r\nlate\n"));
}

TEST_F(HttpServerTest, ParsesRequestsInPieces) {
  HttpClient client(server_.port());
  for (const char byte : Get("/page")) client.Send({&byte, 1});
  EXPECT_EQ(client.Receive(), kPage);
}

TEST_F(HttpServerTest, RespondsToHttp10WithoutHostAndCloses) {
  HttpClient client(server_.port());
  client.Send("GET /page HTTP/1.0\r\n\r\n");
  EXPECT_EQ(client.ReceiveToEnd(),
            "HTTP/1.1 200 OK\r\nDate: -\r\nConnection: close\r\n"
            "Content-Type: text/plain\r\nContent-Length: 5\r\n\r\npage\n");
}

// Bytes that are not read reset the connection, and the rest of the response,
// which is in the buffers of the sockets, is lost.
TEST_F(HttpServerTest, ReadsTheRestBeforeItCloses) {
  const std::string body(1 << 20, 'x');
  (*server_).AddStaticResponse("/long", Text(body));
  FileDescriptor socket(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const int size = 4096;
  setsockopt(socket.get(), SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
  HttpClient client(server_.port(), std::move(socket));
  client.Send(Get("/long", "Connection: close\r\n") +
              std::string(100'000, 'x'));
  EXPECT_TRUE(client.ReceiveToEnd().ends_with(body));
}

TEST_F(HttpServerTest, IgnoresAQuery) {
  EXPECT_EQ(SendRequest(Get("/page?")), kPage);
  EXPECT_EQ(SendRequest(Get("/page?collect[]=a&b=%00#?")), kPage);
}

TEST_F(HttpServerTest, FindsExactPathsOnly) {
  for (const std::string target :
       {"/",         "/pag",     "/pagex",     "/page/",   "/page/x",
        "//page",    "/./page",  "/x/../page", "/page/..", "/page%00",
        "/page%00x", "/page%2F", "/%70age",    "/PAGE",    "/page;x",
        "/page#x",   "page",     "*",          "/../page", "/page/?x",
        "?",         "/page%3Fx"}) {
    EXPECT_EQ(SendRequest(Get(target)),
              "HTTP/1.1 404 Not Found\r\nDate: -\r\nConnection: close\r\n"
              "Content-Type: text/plain; charset=utf-8\r\n"
              "X-Content-Type-Options: nosniff\r\n"
              "Content-Length: 11\r\n\r\nNot found.\n")
        << target;
  }
}

TEST_F(HttpServerTest, RejectsOtherMethods) {
  for (const std::string method :
       {"POST", "PUT", "DELETE", "TRACE", "PATCH", "BREW", "get"}) {
    EXPECT_EQ(SendRequest(method + " /page HTTP/1.1\r\nHost: test\r\n"
                                   "Content-Length: 3\r\n\r\nabc"),
              "HTTP/1.1 405 Method Not Allowed\r\nDate: -\r\n"
              "Connection: close\r\n"
              "Content-Type: text/plain; charset=utf-8\r\n"
              "X-Content-Type-Options: nosniff\r\nAllow: GET, HEAD, OPTIONS\r\n"
              "Content-Length: 20\r\n\r\nMethod not allowed.\n")
        << method;
  }
}

TEST_F(HttpServerTest, RejectsAmbiguousRequests) {
  const std::string head = "GET /page HTTP/1.1\r\n";
  const std::string nul("GET /page\0x HTTP/1.1\r\nHost: test\r\n\r\n", 36);
  for (const std::string& request :
       {head + "\r\n", head + "Host: a\r\nHost: b\r\n\r\n", nul,
        Get("/page\rx"), Get("/page?\rx"), Get("/page\t"),
        Get("/page", "Content-Length: 3\r\n") + "abc",
        Get("/page", "Content-Length: 0\r\nContent-Length: 3\r\n") + "abc",
        Get("/page", "Transfer-Encoding: chunked\r\n") + "0\r\n\r\n",
        Get("/page", "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n") +
            "0\r\n\r\n"}) {
    HttpClient client(server_.port());
    client.Send(request);
    EXPECT_THAT(client.ReceiveToEnd(),
                StartsWith("HTTP/1.1 400 Bad Request\r\n"))
        << request;
  }
}

TEST_F(HttpServerTest, AcceptsContentLengthZero) {
  EXPECT_EQ(SendRequest(Get("/page", "Content-Length: 0\r\n")), kPage);
}

TEST_F(HttpServerTest, RejectsOtherProtocols) {
  const std::pair<std::string, std::string> requests[] = {
      {std::string("\x16\x03\x01\x02\x00\x01\x00\x01\xfc\n", 10),
       "400 Bad Request"},
      {"GARBAGE\r\n\r\n", "400 Bad Request"},
      {"GET\r\n\r\n", "400 Bad Request"},
      {"GET /page HTTP/3.0\r\nHost: a\r\n\r\n", "400 Bad Request"},
      {"GET /page HTTP/1.1\nHost: a\n\n", "400 Bad Request"},
      {Get("/page", "no colon\r\n"), "400 Bad Request"},
      {Get("/" + std::string(40'000, 'x')), "414 URI Too Long"},
      {Get("/page", "X: " + std::string(40'000, 'x') + "\r\n"),
       "431 Request Header Fields Too Large"}};
  for (const auto& [request, status] : requests) {
    HttpClient client(server_.port());
    client.Send(request);
    EXPECT_EQ(client.ReceiveToEnd(),
              "HTTP/1.1 " + status +
                  "\r\nDate: -\r\nConnection: close\r\n"
                  "Content-Type: text/plain; charset=utf-8\r\n"
                  "X-Content-Type-Options: nosniff\r\n"
                  "Content-Length: 13\r\n\r\nBad request.\n")
        << request;
  }
  EXPECT_EQ(SendRequest(Get("/page")), kPage);
  EXPECT_THAT(server_.problems(), ElementsAre());
}

TEST_F(HttpServerTest, PassesHeadersToTheHandler) {
  (*server_).AddHandler("/echo", [](const Request& request) {
    return Text(request.accept + "|" + request.accept_encoding + "|" +
                request.scrape_timeout);
  });
  EXPECT_THAT(SendRequest(Get("/echo")), HasSubstr("\r\n\r\n||"));
  EXPECT_THAT(SendRequest(Get("/echo",
                              "accept: a;q=1\r\nACCEPT: b\r\n"
                              "Accept-Encoding: gzip\r\n"
                              "X-Prometheus-Scrape-Timeout-Seconds: 10\r\n")),
              HasSubstr("\r\n\r\na;q=1, b|gzip|10"));
}

TEST_F(HttpServerTest, RespondsToAnExceptionWith500) {
  (*server_).AddHandler("/bad", [](const Request&) -> Response {
    throw std::runtime_error("out of luck");
  });
  EXPECT_EQ(SendRequest(Get("/bad")),
            "HTTP/1.1 500 Internal Server Error\r\nDate: -\r\n"
            "Content-Type: text/plain; charset=utf-8\r\n"
            "X-Content-Type-Options: nosniff\r\n"
            "Content-Length: 31\r\n\r\ncannot serve /bad: out of luck\n");
  EXPECT_THAT(server_.problems(),
              ElementsAre("cannot serve /bad: out of luck"));
  EXPECT_EQ(SendRequest(Get("/page")), kPage);
}

TEST_F(HttpServerTest, RespondsToANonStandardExceptionWith500) {
  (*server_).AddHandler("/bad", [](const Request&) -> Response { throw 1; });
  EXPECT_THAT(
      SendRequest(Get("/bad")),
      AllOf(StartsWith("HTTP/1.1 500 "),
            HasSubstr("\r\n\r\ncannot serve /bad: unknown exception\n")));
}

TEST_F(HttpServerTest, ReportsEachResponse) {
  (*server_).AddHandler("/bad", [](const Request&) -> Response { throw 1; });
  for (const std::string target : {"/page", "/none", "/bad", "/page"}) {
    SendRequest(Get(target));
  }
  EXPECT_THAT(server_.statuses(), ElementsAre(200, 404, 500, 200));
  EXPECT_THAT(server_.clients(), Each("127.0.0.1"));
}

TEST_F(HttpServerTest, ReplacesAResponse) {
  (*server_).AddStaticResponse("/page", Text("new\n"));
  EXPECT_THAT(SendRequest(Get("/page")), HasSubstr("\r\n\r\nnew\n"));
}

TEST(HttpServer, SlowHandlerDelaysNoOtherRequest) {
  BlockingHandler blocking;
  TestServer server;
  (*server).AddHandler("/slow", blocking.MakeHandler());
  (*server).AddHandler("/quick", [](const Request&) { return Text("page\n"); });
  server.Start();
  HttpClient slow(server.port());
  slow.Send(Get("/slow"));
  blocking.AwaitEntered(1);
  EXPECT_EQ(SendRequest(server.port(), Get("/page")), kPage);
  EXPECT_EQ(SendRequest(server.port(), Get("/quick")), kPage);
  blocking.Open();
  EXPECT_THAT(slow.Receive(), HasSubstr("\r\n\r\nlate\n"));
}

}  // namespace
}  // namespace jemalloc_exporter
