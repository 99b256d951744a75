// 54 shapes of requests, among them those by which a request is smuggled past a
// proxy, against a real server. The reason is the section of RFC 9112, or of
// RFC 9110, that requires or allows the response.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>

#include <cstddef>
#include <ostream>
#include <string>
#include <string_view>
#include <vector>

#include "tests/support/http_client.h"
#include "tests/support/test_server.h"

namespace jemalloc_exporter {
namespace {

using std::string_literals::operator""s;  // NOLINT(misc-unused-using-decls)

enum class End {
  kStaysOpen,  // A further request gets a response.
  kCloses,     // It gets none.
  kHalfClose,  // The client sends FIN, and the server closes.
};

struct Shape {
  const char* name;
  std::string bytes;
  std::string statuses;
  End end;
  const char* reason;
};

void PrintTo(const Shape& shape, std::ostream* out) { *out << shape.name; }

constexpr auto kHead = "GET /page HTTP/1.1\r\nHost: a\r\n";
constexpr auto kPost = "POST /page HTTP/1.1\r\nHost: a\r\n";
// Must never be served as a request: it is a body, or follows an error.
constexpr auto kSmuggled = "GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n";

std::string With(std::string_view fields) {
  return kHead + std::string(fields) + "\r\n\r\n";
}

// A request line and a valid Host.
std::string Line(std::string_view line) {
  return std::string(line) + "\r\nHost: a\r\n\r\n";
}

std::string Repeat(std::string_view text, int count) {
  std::string repeated;
  for (int i = 0; i < count; ++i) repeated += text;
  return repeated;
}

std::vector<Shape> Framing() {
  constexpr auto kOpen = End::kStaysOpen;
  constexpr auto kCloses = End::kCloses;
  return {
      {"plain", With("Accept: */*"), "200", kOpen, "9112 3"},
      {"length and chunked",
       With("Content-Length: 5\r\nTransfer-Encoding: chunked") + "0\r\n\r\n" +
           kSmuggled,
       "400", kCloses, "9112 6.3: may reject, must close"},
      {"chunked and length",
       With("Transfer-Encoding: chunked\r\nContent-Length: 5") + "0\r\n\r\n" +
           kSmuggled,
       "400", kCloses, "9112 6.3: may reject, must close"},
      {"two lengths that differ",
       With("Content-Length: 0\r\nContent-Length: 39") + kSmuggled, "400",
       kCloses, "9112 6.3: must reject"},
      {"two lengths that agree", With("Content-Length: 0\r\nContent-Length: 0"),
       "400", kCloses, "9112 6.3: may reject"},
      {"list of lengths", With("Content-Length: 0, 0"), "200", kOpen,
       "9110 8.6: may reject, or take the value"},
      {"length with a sign", With("Content-Length: +5") + "12345", "400",
       kCloses, "9112 6.3: invalid"},
      {"length above 64 bits", With("Content-Length: 99999999999999999999"),
       "400", kCloses, "9112 6.3: invalid"},
      {"length that is no number", With("Content-Length: five") + "12345",
       "400", kCloses, "9112 6.3: invalid"},
      {"coding xchunked",
       With("Transfer-Encoding: xchunked") + "0\r\n\r\n" + kSmuggled, "400",
       kCloses, "9112 6.3: chunked is not the last coding"},
      {"coding identity", With("Transfer-Encoding: identity"), "400", kCloses,
       "9112 6.3: chunked is not the last coding"},
      {"coding gzip, chunked",
       With("Transfer-Encoding: gzip, chunked") + "0\r\n\r\n", "400", kCloses,
       "9112 6.1: 501 would be the better status"},
      {"chunk extension",
       kPost + "Transfer-Encoding: chunked\r\n\r\n1;a=b\r\nx\r\n0\r\n\r\n"s +
           kSmuggled,
       "405", kCloses, "9110 15.5.6; the body is not read"},
      {"coding in HTTP/1.0",
       "GET /page HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"s +
           "0\r\n\r\n" + kSmuggled,
       "400", kCloses, "9112 6.1: faulty framing"},
      {"length in a GET", With("Content-Length: 5") + "12345", "400", kCloses,
       "9110 9.3.1: may reject"},
      {"Expect with a body",
       kPost + "Content-Length: 5\r\nExpect: 100-continue\r\n\r\n"s, "405",
       kCloses, "9110 10.1.1: a final status instead of 100"},
      {"Expect without a body", With("Expect: 100-continue"), "200", kOpen,
       "9110 10.1.1: there is no content to wait for"},
      {"Upgrade", With("Connection: Upgrade\r\nUpgrade: h2c"), "200", kOpen,
       "9110 7.8: may be ignored"},
  };
}

std::vector<Shape> Fields() {
  constexpr auto kOpen = End::kStaysOpen;
  constexpr auto kCloses = End::kCloses;
  return {
      {"folded field", With("X: a\r\n b"), "200", kOpen,
       "9112 5.2: 400, or replaced by spaces"},
      {"fold before the first field",
       "GET /page HTTP/1.1\r\n X: a\r\nHost: a\r\n\r\n", "400", kCloses,
       "9112 2.2"},
      {"lines that end with LF", "GET /page HTTP/1.1\nHost: a\n\n", "400",
       kCloses, "9112 2.2: may be accepted"},
      {"field that ends with LF", With("X: a\nY: b"), "400", kCloses,
       "9112 2.2: may be accepted"},
      {"CR in a value", With("X: a\rb"), "400", kCloses, "9112 2.2"},
      {"NUL in a value", With("X: a\0b"s), "400", kCloses, "9110 5.5"},
      {"space before the colon", With("Content-Length : 0"), "400", kCloses,
       "9112 5.1: must reject"},
      {"empty name", With(": a"), "400", kCloses, "9112 5"},
      {"no Host", "GET /page HTTP/1.1\r\n\r\n", "400", kCloses,
       "9112 3.2: must reject"},
      {"two Hosts", With("Host: a"), "400", kCloses, "9112 3.2: must reject"},
      {"empty Host", "GET /page HTTP/1.1\r\nHost:\r\n\r\n", "200", kOpen,
       "9112 3.2: may be empty"},
      {"Host with a space", "GET /page HTTP/1.1\r\nHost: a b\r\n\r\n", "400",
       kCloses, "9112 3.2: must reject"},
      {"1,000 short fields", kHead + Repeat("A: b\r\n", 1'000) + "\r\n", "200",
       kOpen, "9112 3"},
      {"10,000 short fields", kHead + Repeat("A: b\r\n", 10'000) + "\r\n",
       "431", kCloses, "6585 5"},
      {"section of 16 KB", With("A: " + std::string(16'300, 'b')), "200", kOpen,
       "9112 3"},
      {"Connection: close", With("Connection: close") + kSmuggled, "200",
       kCloses, "9112 9.6: must ignore further requests"},
  };
}

std::vector<Shape> RequestLines() {
  constexpr auto kOpen = End::kStaysOpen;
  constexpr auto kCloses = End::kCloses;
  return {
      {"NUL in the target", Line("GET /pa\0ge HTTP/1.1"s), "400", kCloses,
       "9112 3.2"},
      {"HTTP/1.2", Line("GET /page HTTP/1.2"), "200", kOpen,
       "9110 2.5: should be processed as 1.1"},
      {"HTTP/1.10", Line("GET /page HTTP/1.10"), "400", kCloses, "9112 2.3"},
      {"http/1.1", Line("GET /page http/1.1"), "400", kCloses,
       "9112 2.3: case-sensitive"},
      {"HTTP/0.9", "GET /page\r\n", "400", kCloses, "9112 3"},
      {"HTTP/2 preface", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "400", kCloses,
       "9110 15.6.6: 505 would be the better status"},
      {"space in the target", Line("GET /pa ge HTTP/1.1"), "400", kCloses,
       "9112 3.2: should reject"},
      {"two spaces", Line("GET  /page HTTP/1.1"), "400", kCloses, "9112 3"},
      {"tab instead of a space", Line("GET\t/page HTTP/1.1"), "400", kCloses,
       "9112 3: may be accepted"},
      {"absolute target", Line("GET http://a/page HTTP/1.1"), "200", kOpen,
       "9112 3.2.2: must be accepted"},
      {"byte above 0x7F in the target", Line("GET /p\xC3\xA4ge HTTP/1.1"),
       "400", kCloses, "3986 2"},
      {"target of 40 KB",
       Line("GET /" + std::string(40'000, 'a') + " HTTP/1.1"), "414", kCloses,
       "9110 15.5.15"},
      {"empty lines before", "\r\n\r\n" + With("A: b"), "200", kOpen,
       "9112 2.2: should be ignored"},
      {"CONNECT", Line("CONNECT a:80 HTTP/1.1") + kSmuggled, "404", kCloses,
       "9110 9.3.6: only a 2xx would begin a tunnel"},
      {"OPTIONS *", Line("OPTIONS * HTTP/1.1"), "200", kOpen,
       "9110 9.3.7: a ping, as of HAProxy"},
      {"1,000 requests in a row", Repeat(With("A: b"), 1'000),
       "200" + Repeat(" 200", 999), kOpen, "9112 9.3.2"},
      {"hello of TLS", "\x16\x03\x01\x02\x00\x01\x00\x01\xFC\x03\x03"s, "400",
       kCloses, "9112 3"},
  };
}

std::vector<Shape> HalfCloses() {
  return {
      {"FIN with the request", With("A: b"), "200", End::kHalfClose,
       "9112 9.6"},
      {"FIN after the response", With("A: b"), "200", End::kHalfClose,
       "9112 9.6"},
      {"FIN after half a request", "GET /page HTTP/1.1\r\nHo", "",
       End::kHalfClose, "9112 8: incomplete"},
  };
}

std::string Statuses(const std::string& responses) {
  const std::string version = "HTTP/1.1 ";
  std::string statuses;
  for (auto at = responses.find(version); at != std::string::npos;
       at = responses.find(version, at + 1)) {
    statuses += (statuses.empty() ? "" : " ") +
                responses.substr(at + version.size(), 3);
  }
  return statuses;
}

class RequestShapes : public testing::TestWithParam<Shape> {};

TEST_P(RequestShapes, GetsTheStatusesAndTheEndOfConnection) {
  TestServer server;
  (*server).AddStaticResponse("/smuggled", {.status = 299});
  (*server).AddStaticResponse("/last", {.status = 204});
  server.Start();
  const Shape& shape = GetParam();
  HttpClient client(server.port());
  client.Send(shape.bytes);
  std::string received;
  if (shape.name == "FIN after the response"s) received = client.Receive();
  if (shape.end == End::kHalfClose) {
    shutdown(client.socket(), SHUT_WR);
  } else {
    client.Send(Get("/last", "Connection: close\r\n"));
  }
  received += client.ReceiveToEnd();
  const std::string last = shape.end == End::kStaysOpen ? " 204" : "";
  EXPECT_EQ(Statuses(received), shape.statuses + last)
      << "RFC " << shape.reason;
}

INSTANTIATE_TEST_SUITE_P(Framing, RequestShapes, testing::ValuesIn(Framing()));
INSTANTIATE_TEST_SUITE_P(Fields, RequestShapes, testing::ValuesIn(Fields()));
INSTANTIATE_TEST_SUITE_P(RequestLines, RequestShapes,
                         testing::ValuesIn(RequestLines()));
INSTANTIATE_TEST_SUITE_P(HalfCloses, RequestShapes,
                         testing::ValuesIn(HalfCloses()));

TEST(RequestShapesTable, Has54Rows) {
  EXPECT_EQ(Framing().size() + Fields().size() + RequestLines().size() +
                HalfCloses().size(),
            54U);
}

}  // namespace
}  // namespace jemalloc_exporter
