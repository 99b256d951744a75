#include "exporter/http/request_parser.h"

#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <string_view>

namespace jemalloc_exporter {
namespace {

std::optional<HttpRequest> ParseFirst(std::string_view bytes) {
  RequestParser parser;
  parser.Append(bytes);
  return parser.Next();
}

HttpRequest Parse(std::string_view bytes) {
  const auto request = ParseFirst(bytes);
  EXPECT_TRUE(request) << bytes;
  const HttpRequest parsed = request.value_or(HttpRequest());
  EXPECT_EQ(parsed.error_status, 0) << bytes;
  return parsed;
}

// 0: incomplete, 200: valid.
int StatusOf(std::string_view bytes) {
  const auto request = ParseFirst(bytes);
  if (!request) return 0;
  return request->error_status == 0 ? 200 : request->error_status;
}

std::string Get(const std::string& target, const std::string& fields = {}) {
  return "GET " + target + " HTTP/1.1\r\nHost: a\r\n" + fields + "\r\n";
}

TEST(RequestParser, ReturnsMethodPathAndFields) {
  const HttpRequest request = Parse(
      "GET /metrics?a=b?c HTTP/1.1\r\nHost: localhost:80\r\n"
      "Accept:text/plain \r\naccept:\t*/*\r\nEmpty:\r\n"
      "authorization: Basic YTpi\r\n\r\n");
  EXPECT_EQ(request.method, "GET");
  EXPECT_EQ(request.path, "/metrics");
  EXPECT_EQ(request.fields.query, "a=b?c");
  EXPECT_FALSE(request.is_http_1_0);
  EXPECT_FALSE(request.has_body);
  EXPECT_EQ(request.authorization, "Basic YTpi");
  EXPECT_EQ(request.fields.accept, "text/plain, */*");
  EXPECT_EQ(request.fields.accept_encoding, "");
}

TEST(RequestParser, ReturnsPipelinedRequestsInOrder) {
  RequestParser parser;
  parser.Append(Get("/a") + "\r\n" + Get("/b") + "GET /c");
  EXPECT_EQ(parser.Next()->path, "/a");
  EXPECT_EQ(parser.Next()->path, "/b");
  EXPECT_FALSE(parser.Next());
  EXPECT_TRUE(parser.has_partial());
  parser.Append(" HTTP/1.0\r\n\r\n");
  EXPECT_EQ(parser.Next()->path, "/c");
  EXPECT_FALSE(parser.has_partial());
}

TEST(RequestParser, ReturnsThePathAsSent) {
  const auto path_of = [](const std::string& target) {
    return Parse(Get(target)).path;
  };
  EXPECT_EQ(path_of("/"), "/");
  EXPECT_EQ(path_of("/?"), "/");
  EXPECT_EQ(path_of("/a%2Fb/../c;d#e"), "/a%2Fb/../c;d#e");
  EXPECT_EQ(path_of("*"), "*");
  EXPECT_EQ(path_of("?/x"), "");
  EXPECT_EQ(path_of("http://localhost:80/metrics?x"), "/metrics");
  EXPECT_EQ(path_of("HTTP://localhost"), "/");
  EXPECT_EQ(path_of("http://localhost?x"), "/");
  EXPECT_EQ(path_of("https://localhost/metrics"), "/metrics");
  EXPECT_EQ(path_of("ftp://localhost/metrics"), "ftp://localhost/metrics");
}

TEST(RequestParser, KeepsAliveByVersionAndConnectionHeader) {
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

// RFC 9110, section 2.5.
TEST(RequestParser, ParsesLaterMinorVersionsAs11) {
  for (const std::string version : {"HTTP/1.2", "HTTP/1.9"}) {
    const HttpRequest request =
        Parse("GET / " + version + "\r\nHost: a\r\n\r\n");
    EXPECT_TRUE(request.keep_alive);
    EXPECT_FALSE(request.is_http_1_0);
  }
}

// RFC 9112, section 3.2.
TEST(RequestParser, RejectsAnInvalidHost) {
  const auto status_of = [](const std::string& host) {
    return StatusOf("GET / HTTP/1.1\r\nHost: " + host + "\r\n\r\n");
  };
  for (const std::string host :
       {"", "a", "a.b-c_d~:80", "[::1]", "[::1]:80", "192.0.2.1:", "%41b"}) {
    EXPECT_EQ(status_of(host), 200) << host;
  }
  for (const std::string host :
       {"a b", "a/b", "a?", "a#", "user@a", "a:b", "a:80:80", "[::1", "::1]",
        "[]", "a,\\b", "\xC3\xA4", "a\tb"}) {
    EXPECT_EQ(status_of(host), 400) << host;
  }
}

TEST(RequestParser, RejectsTransferCodingsOtherThanChunked) {
  for (const std::string coding :
       {"gzip", "identity", "xchunked", "gzip, chunked", "chunked, gzip",
        "chunked\r\nTransfer-Encoding: chunked", ""}) {
    EXPECT_EQ(StatusOf(Get("/", "Transfer-Encoding: " + coding + "\r\n")), 400)
        << coding;
  }
  EXPECT_EQ(StatusOf("GET / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n"),
            400);
}

TEST(RequestParser, RequiresHostInHttp11Only) {
  EXPECT_EQ(StatusOf("GET / HTTP/1.0\r\n\r\n"), 200);
  EXPECT_EQ(StatusOf("GET / HTTP/1.1\r\n\r\n"), 400);
}

TEST(RequestParser, DetectsABody) {
  const auto has_body = [](const std::string& fields) {
    const std::string bytes = Get("/", fields);
    return Parse(bytes).has_body;
  };
  EXPECT_FALSE(has_body("Content-Length: 0\r\n"));
  EXPECT_FALSE(has_body("Content-Length: 000\r\n"));
  EXPECT_TRUE(has_body("Content-Length: 10\r\n"));
  EXPECT_TRUE(has_body("content-length:9999999999999999999\r\n"));
  EXPECT_TRUE(has_body("Transfer-Encoding: chunked\r\n"));
}

TEST(RequestParser, SkipsEmptyLinesBeforeTheRequest) {
  EXPECT_EQ(Parse("\r\n\r\n" + Get("/")).path, "/");
}

TEST(RequestParser, IsIncompleteBeforeTheEmptyLine) {
  const std::string bytes = "\r\n" + Get("/");
  for (std::size_t size = 0; size < bytes.size(); ++size) {
    EXPECT_EQ(StatusOf(bytes.substr(0, size)), 0) << size;
  }
  EXPECT_EQ(StatusOf(bytes), 200);
}

TEST(RequestParser, RejectsMalformedRequestLines) {
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

TEST(RequestParser, RejectsMalformedFields) {
  for (const std::string field :
       {"no colon", ": no name", "space : a", "a\"b: c", "a: b\x01", "a: b\x7F",
        "a: b\rc"}) {
    EXPECT_EQ(StatusOf(Get("/", field + "\r\n")), 400) << field;
  }
  EXPECT_EQ(StatusOf(Get("/", std::string("a: b\0c\r\n", 8))), 400);
  EXPECT_EQ(StatusOf(Get("/", "a: \xC3\xA4 \xFF\r\n")), 200);
}

TEST(RequestParser, RejectsBareLfAndCr) {
  EXPECT_EQ(StatusOf("GET / HTTP/1.1\nHost: a\n\n"), 400);
  EXPECT_EQ(StatusOf("GET / HTTP/1.1\r\nHost: a\nX: b\r\n\r\n"), 400);
  EXPECT_EQ(StatusOf(Get("/", "a: b\nc: d\r\n")), 400);
  EXPECT_EQ(StatusOf(Get("/a\rb")), 400);
  EXPECT_EQ(StatusOf(Get(std::string("/a\0b", 4))), 400);
}

TEST(RequestParser, RejectsAmbiguousFraming) {
  for (const std::string fields :
       {"Host: b\r\n", "Content-Length: 1\r\nContent-Length: 1\r\n",
        "Content-Length: 0\r\nContent-Length: 1\r\n", "Content-Length: -1\r\n",
        "Content-Length: +1\r\n", "Content-Length: 0x1\r\n",
        "Content-Length:\r\n",
        "Content-Length: 1\r\nTransfer-Encoding: chunked\r\n",
        "Transfer-Encoding: chunked\r\nContent-Length: 0\r\n"}) {
    EXPECT_EQ(StatusOf(Get("/", fields)), 400) << fields;
  }
}

TEST(RequestParser, RejectsOtherProtocolsAtTheFirstByte) {
  EXPECT_EQ(StatusOf("\x16\x03\x01\x02"), 400);  // TLS.
  EXPECT_EQ(StatusOf(" "), 400);
  EXPECT_EQ(StatusOf("\n"), 400);
  EXPECT_EQ(StatusOf("\rx"), 400);
}

TEST(RequestParser, LimitsRequestLineAndHeaderSection) {
  const std::string rest = Get("/");
  const std::string most(kMaxHeaderSize - rest.size(), 'x');
  EXPECT_EQ(StatusOf(Get("/" + most)), 200);
  EXPECT_EQ(StatusOf(Get("/x" + most)), 431);
  EXPECT_EQ(StatusOf("GET /" + std::string(kMaxHeaderSize, 'x')), 414);
  EXPECT_EQ(
      StatusOf("GET / HTTP/1.1\r\nX: " + std::string(kMaxHeaderSize, 'x')),
      431);
}

}  // namespace
}  // namespace jemalloc_exporter
