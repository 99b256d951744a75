#include "web/request_head.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <string_view>
#include <utility>

namespace jemalloc_exporter {
namespace {

using testing::ElementsAre;
using testing::Pair;

// Its views are of `bytes`.
RequestHead Parse(std::string_view bytes) {
  const auto parsed = ParseRequestHead(bytes);
  const auto* const head = std::get_if<RequestHead>(&parsed);
  EXPECT_NE(head, nullptr) << bytes;
  return head == nullptr ? RequestHead() : *head;
}

// 0 of what is not whole, 200 of what is good.
int StatusOf(std::string_view bytes) {
  const auto parsed = ParseRequestHead(bytes);
  if (const auto* bad = std::get_if<BadRequest>(&parsed)) return bad->status;
  return std::holds_alternative<Incomplete>(parsed) ? 0 : 200;
}

std::string Get(const std::string& target, const std::string& fields = {}) {
  return "GET " + target + " HTTP/1.1\r\nHost: a\r\n" + fields + "\r\n";
}

TEST(RequestHead, HasMethodPathAndFields) {
  const std::string bytes =
      "GET /metrics?a=b?c HTTP/1.1\r\nHost: localhost:80\r\n"
      "Accept:text/plain \r\naccept:\t*/*\r\nEmpty:\r\n\r\nGET /";
  const RequestHead head = Parse(bytes);
  EXPECT_EQ(head.method, "GET");
  EXPECT_EQ(head.path, "/metrics");
  EXPECT_FALSE(head.is_http_1_0);
  EXPECT_FALSE(head.has_body);
  EXPECT_THAT(
      head.fields,
      ElementsAre(Pair("Host", "localhost:80"), Pair("Accept", "text/plain"),
                  Pair("accept", "*/*"), Pair("Empty", "")));
  EXPECT_EQ(head.Field("ACCEPT"), "text/plain, */*");
  EXPECT_EQ(head.Field("Accept-Encoding"), "");
  EXPECT_EQ(HeadSize(bytes), bytes.size() - 5);
}

TEST(RequestHead, HasThePathAsItIsSpelled) {
  const auto path_of = [](const std::string& target) {
    const std::string bytes = Get(target);
    return std::string(Parse(bytes).path);
  };
  EXPECT_EQ(path_of("/"), "/");
  EXPECT_EQ(path_of("/?"), "/");
  EXPECT_EQ(path_of("/a%2Fb/../c;d#e"), "/a%2Fb/../c;d#e");
  EXPECT_EQ(path_of("*"), "*");
  EXPECT_EQ(path_of("?/x"), "");
  EXPECT_EQ(path_of("http://localhost:80/metrics?x"), "/metrics");
  EXPECT_EQ(path_of("HTTP://localhost"), "/");
  EXPECT_EQ(path_of("http://localhost?x"), "/");
}

TEST(RequestHead, KeepsTheConnectionAsItsVersionHasIt) {
  const auto keeps = [](const std::string& version, const std::string& fields) {
    const std::string bytes =
        "GET / " + version + "\r\nHost: a\r\n" + fields + "\r\n";
    return Parse(bytes).keep_alive;
  };
  EXPECT_TRUE(keeps("HTTP/1.1", ""));
  EXPECT_TRUE(keeps("HTTP/1.1", "Connection: Upgrade, closed\r\n"));
  EXPECT_FALSE(keeps("HTTP/1.1", "Connection: Upgrade , CLOSE\r\n"));
  EXPECT_FALSE(keeps("HTTP/1.1", "Connection: x\r\nConnection: close\r\n"));
  EXPECT_FALSE(keeps("HTTP/1.0", ""));
  EXPECT_TRUE(keeps("HTTP/1.0", "Connection: Keep-Alive\r\n"));
}

TEST(RequestHead, NeedsNoHostInHttp10) {
  EXPECT_EQ(StatusOf("GET / HTTP/1.0\r\n\r\n"), 200);
  EXPECT_EQ(StatusOf("GET / HTTP/1.1\r\n\r\n"), 400);
}

TEST(RequestHead, AnnouncesABody) {
  const auto has_body = [](const std::string& fields) {
    const std::string bytes = Get("/", fields);
    return Parse(bytes).has_body;
  };
  EXPECT_FALSE(has_body("Content-Length: 0\r\n"));
  EXPECT_FALSE(has_body("Content-Length: 000\r\n"));
  EXPECT_TRUE(has_body("Content-Length: 10\r\n"));
  EXPECT_TRUE(has_body("content-length:99999999999999999999\r\n"));
  EXPECT_TRUE(has_body("Transfer-Encoding: chunked\r\n"));
}

TEST(RequestHead, MayFollowEmptyLines) {
  const std::string bytes = "\r\n\r\n" + Get("/");
  EXPECT_EQ(Parse(bytes).path, "/");
  EXPECT_EQ(HeadSize(bytes), bytes.size());
}

TEST(RequestHead, IsNotWholeBeforeItsLastLine) {
  const std::string bytes = "\r\n" + Get("/");
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    EXPECT_EQ(StatusOf(bytes.substr(0, size)), 0) << size;
    EXPECT_EQ(HeadSize(bytes.substr(0, size)), 0) << size;
  }
  EXPECT_EQ(StatusOf(bytes), 200);
}

TEST(RequestHead, IsMalformedInItsFirstLine) {
  for (const std::string line : {"GARBAGE",
                                 "GET",
                                 "GET /",
                                 "GET  / HTTP/1.1",
                                 "GET /  HTTP/1.1",
                                 " GET / HTTP/1.1",
                                 "GET / HTTP/1.1 ",
                                 "GET\t/ HTTP/1.1",
                                 "GET / a HTTP/1.1",
                                 "GET /\t HTTP/1.1",
                                 "GET /\x7F HTTP/1.1",
                                 "GET /\xC3\xA4 HTTP/1.1",
                                 "G(T / HTTP/1.1",
                                 "GET / http/1.1",
                                 "GET / HTTP/1.2",
                                 "GET / HTTP/2.0",
                                 "GET / HTTP/0.9",
                                 "GET / HTTP/1.",
                                 "GET / HTTP/1.10",
                                 "GET / HTTP/01.1",
                                 "GET / HTTPS/1.1",
                                 "GET / "}) {
    EXPECT_EQ(StatusOf(line + "\r\nHost: a\r\n\r\n"), 400) << line;
  }
}

TEST(RequestHead, IsMalformedInAField) {
  for (const std::string field :
       {"no colon", ": no name", "space : a", " folded", "\tfolded", "a\"b: c",
        "a: b\x01", "a: b\x7F", "a: b\rc"}) {
    EXPECT_EQ(StatusOf(Get("/", field + "\r\n")), 400) << field;
  }
  EXPECT_EQ(StatusOf(Get("/", std::string("a: b\0c\r\n", 8))), 400);
  EXPECT_EQ(StatusOf(Get("/", "a: \xC3\xA4 \xFF\r\n")), 200);
}

TEST(RequestHead, IsMalformedWhereALineEndsOtherwise) {
  EXPECT_EQ(StatusOf("GET / HTTP/1.1\nHost: a\n\n"), 400);
  EXPECT_EQ(StatusOf("GET / HTTP/1.1\r\nHost: a\n"), 400);
  EXPECT_EQ(StatusOf(Get("/", "a: b\nc: d\r\n")), 400);
  EXPECT_EQ(StatusOf(Get("/a\rb")), 400);
  EXPECT_EQ(StatusOf(Get(std::string("/a\0b", 4))), 400);
}

TEST(RequestHead, IsMalformedWhereItCanBeReadInTwoWays) {
  for (const std::string fields :
       {"Host: b\r\n", "Content-Length: 1\r\nContent-Length: 1\r\n",
        "Content-Length: 0\r\nContent-Length: 1\r\n",
        "Content-Length: 1, 1\r\n", "Content-Length: -1\r\n",
        "Content-Length: +1\r\n", "Content-Length: 0x1\r\n",
        "Content-Length:\r\n",
        "Content-Length: 1\r\nTransfer-Encoding: chunked\r\n",
        "Transfer-Encoding: chunked\r\nContent-Length: 0\r\n"}) {
    EXPECT_EQ(StatusOf(Get("/", fields)), 400) << fields;
  }
}

TEST(RequestHead, IsNotWaitedForWhereItIsNone) {
  EXPECT_EQ(StatusOf("\x16\x03\x01\x02"), 400);  // TLS.
  EXPECT_EQ(StatusOf(" "), 400);
  EXPECT_EQ(StatusOf("\n"), 400);
  EXPECT_EQ(StatusOf("\rx"), 400);
}

TEST(RequestHead, MayNotBeTooLong) {
  const std::string rest = Get("/");
  const std::string most(kMaxHeadSize - rest.size(), 'x');
  EXPECT_EQ(StatusOf(Get("/" + most)), 200);
  EXPECT_EQ(StatusOf(Get("/x" + most)), 431);
  EXPECT_EQ(StatusOf("GET /" + std::string(kMaxHeadSize, 'x')), 414);
  EXPECT_EQ(StatusOf("GET / HTTP/1.1\r\nX: " + std::string(kMaxHeadSize, 'x')),
            431);
}

}  // namespace
}  // namespace jemalloc_exporter
