#include "exporter/endpoints/request_path.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace jemalloc_exporter {
namespace {

using testing::HasSubstr;

TEST(CheckRequestPath, AcceptsWhatAClientCanRequest) {
  for (const char* const path :
       {"/", "/metrics", "/a/b/", "/a%20b", "/m%C3%A9triques", "/a;b=c,d@e:f",
        "/~user", "/...", "/a..b", "/.well-known", "//metrics"}) {
    EXPECT_EQ(CheckRequestPath(path), "") << path;
  }
}

TEST(CheckRequestPath, RejectsWhatNoClientCanRequest) {
  for (const char* const path :
       {"",        "metrics", "/a b",  "/a?b",  "/a#b",  "/métriques",
        "/a\nb",   "/a\tb",   "/a\"b", "/a<b>", "/a\\b", "/a|b",
        "/100%",   "/%4",     "/%zz",  "/\x7f", "/.",    "/..",
        "/a/../b", "/a/.",    "/./a"}) {
    EXPECT_NE(CheckRequestPath(path), "") << path;
  }
}

TEST(CheckRequestPath, ReportsThePercentEncodedForm) {
  EXPECT_EQ(CheckRequestPath("/a b"),
            "'/a b' is not a path that a client can request; the "
            "percent-encoded form is '/a%20b'");
  EXPECT_THAT(CheckRequestPath("/métriques?"),
              HasSubstr("'/m%C3%A9triques%3F'"));
}

TEST(CheckExternalUrl, AcceptsUrlsAndPaths) {
  for (const char* const url :
       {"", "/", "/jem", "/jem/", "http://example.org",
        "https://example.org:8443/a/jem/", "http://[::1]:80/jem"}) {
    EXPECT_EQ(CheckExternalUrl(url), "") << url;
  }
}

TEST(CheckExternalUrl, RejectsEverythingElse) {
  for (const char* const url :
       {"example.org", "example.org/jem", "ftp://example.org/", "http://",
        "http:///jem", "http://a b/", "http://example.org?x",
        "http://example.org/jem?x", "http://example.org/#x", "/a b",
        "http://example.org\r\nX: y/", "/a\r\nX: y"}) {
    EXPECT_NE(CheckExternalUrl(url), "") << url;
  }
}

TEST(UrlAuthority, IsTheHostAndThePort) {
  EXPECT_EQ(UrlAuthority("http://example.org"), "example.org");
  EXPECT_EQ(UrlAuthority("https://[::1]:8443/a/b/"), "[::1]:8443");
  EXPECT_EQ(UrlAuthority("/jem"), "");
  EXPECT_EQ(UrlAuthority(""), "");
}

TEST(RoutePrefix, IsThePathOfTheExternalUrlByDefault) {
  EXPECT_EQ(RoutePrefix("", "http://example.org/a/jem/"), "/a/jem");
  EXPECT_EQ(RoutePrefix("", "/jem"), "/jem");
  EXPECT_EQ(RoutePrefix("", "http://example.org"), "");
  EXPECT_EQ(RoutePrefix("", "http://example.org/"), "");
  EXPECT_EQ(RoutePrefix("", ""), "");
}

TEST(RoutePrefix, OverridesThePathOfTheExternalUrl) {
  EXPECT_EQ(RoutePrefix("/", "http://example.org/jem/"), "");
  EXPECT_EQ(RoutePrefix("/inner/", "http://example.org/jem/"), "/inner");
  EXPECT_EQ(RoutePrefix("inner", ""), "/inner");
}

}  // namespace
}  // namespace jemalloc_exporter
