#include "exporter/exposition/negotiation.h"

#include <gtest/gtest.h>

#include <ostream>
#include <string>

namespace jemalloc_exporter {

void PrintTo(Format format, std::ostream* out) { *out << ContentType(format); }

namespace {

void ExpectText(std::string_view accept) {
  EXPECT_EQ(NegotiateFormat(accept), Format::kText) << accept;
}

void ExpectOpenMetrics(std::string_view accept) {
  EXPECT_EQ(NegotiateFormat(accept), Format::kOpenMetrics) << accept;
}

TEST(ContentType, MatchesFormat) {
  EXPECT_EQ(ContentType(Format::kText),
            "text/plain; version=0.0.4; charset=utf-8");
  EXPECT_EQ(ContentType(Format::kOpenMetrics),
            "application/openmetrics-text; version=1.0.0; charset=utf-8");
}

TEST(Negotiation, SelectsOpenMetricsForPrometheus2) {
  ExpectOpenMetrics(
      "application/openmetrics-text;version=1.0.0,"
      "application/openmetrics-text;version=0.0.1;q=0.75,"
      "text/plain;version=0.0.4;q=0.5,*/*;q=0.1");
}

TEST(Negotiation, SelectsOpenMetricsForPrometheus3) {
  ExpectOpenMetrics(
      "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,"
      "application/openmetrics-text;version=0.0.1;q=0.5,"
      "text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,"
      "text/plain;version=0.0.4;q=0.3,*/*;q=0.2");
}

TEST(Negotiation, SkipsProtobuf) {
  constexpr std::string_view kProtobuf =
      "application/vnd.google.protobuf;proto=io.prometheus.client.MetricFamily;"
      "encoding=delimited";
  ExpectText(kProtobuf);
  ExpectText(std::string(kProtobuf) + ",text/plain;version=0.0.4;q=0.3");
  ExpectOpenMetrics(
      std::string(kProtobuf) +
      ";q=0.7,application/openmetrics-text;version=1.0.0;q=0.6,*/*;q=0.2");
}

TEST(Negotiation, SelectsTextForBrowsersCurlAndAnAbsentHeader) {
  ExpectText(
      "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,"
      "image/webp,*/*;q=0.8");
  ExpectText("*/*");
  ExpectText("");
}

TEST(Negotiation, SelectsTextForUnknownMediaTypes) {
  for (const char* accept :
       {"garbage", ",", ";", ",;=\"", "application/json", "text/html;q=1", "/",
        "q=1", "\"application/openmetrics-text\"", "\xFF\xFF",
        "application/openmetrics-text2", "xapplication/openmetrics-text",
        "text"}) {
    ExpectText(accept);
  }
}

TEST(Negotiation, PrefersTheHighestQuality) {
  ExpectOpenMetrics("text/plain;q=0.5,application/openmetrics-text;q=0.6");
  ExpectText("text/plain;q=0.6,application/openmetrics-text;q=0.5");
  ExpectOpenMetrics("text/plain;q=0.5,application/openmetrics-text");
  ExpectText("application/openmetrics-text;q=0.999,text/plain;q=1.000");
  ExpectText("application/openmetrics-text;q=0.5,*/*;q=0.6");
}

TEST(Negotiation, PrefersTheFirstOfEqualQualities) {
  ExpectOpenMetrics("application/openmetrics-text,text/plain");
  ExpectText("text/plain,application/openmetrics-text");
  ExpectOpenMetrics("application/openmetrics-text;q=0.5,*/*;q=0.5");
}

TEST(Negotiation, IgnoresQualityZero) {
  ExpectText("application/openmetrics-text;q=0");
  ExpectText("application/openmetrics-text;q=0.000,*/*;q=0.1");
  ExpectOpenMetrics("text/plain;q=0,application/openmetrics-text;q=0.001");
}

TEST(Negotiation, IgnoresMalformedQuality) {
  for (const char* quality : {"", "x", "1.1", "-0.1", "0.5x", "1e0", "nan",
                              "inf", "0,5", "+1", "\"1\"", "0x1"}) {
    ExpectText(std::string("application/openmetrics-text;q=") + quality);
    ExpectOpenMetrics(std::string("text/plain;q=") + quality +
                      ",application/openmetrics-text;q=0.1");
  }
}

TEST(Negotiation, MatchesOpenMetricsVersions) {
  ExpectOpenMetrics("application/openmetrics-text");
  ExpectOpenMetrics("application/openmetrics-text;version=1.0.0");
  ExpectOpenMetrics("application/openmetrics-text;version=0.0.1");
  ExpectOpenMetrics("application/openmetrics-text;version=\"1.0.0\"");
  ExpectText("application/openmetrics-text;version=2.0.0");
  ExpectText("application/openmetrics-text;version=1");
  ExpectOpenMetrics(
      "application/openmetrics-text;version=2.0.0,"
      "application/openmetrics-text;version=1.0.0;q=0.1");
}

TEST(Negotiation, MatchesTextVersions) {
  for (const char* text : {"text/plain", "text/plain;version=0.0.4"}) {
    ExpectText(std::string(text) + ",application/openmetrics-text;q=0.9");
  }
  ExpectOpenMetrics(
      "text/plain;version=1.0.0,application/openmetrics-text;q=0.9");
}

TEST(Negotiation, MatchesMediaRanges) {
  ExpectText("text/*,application/openmetrics-text;q=0.9");
  ExpectOpenMetrics("application/*,text/plain;q=0.9");
}

TEST(Negotiation, IgnoresCaseAndWhitespace) {
  ExpectOpenMetrics(
      " Application/OpenMetrics-Text\t; Version=1.0.0 ;\tQ=0.7 , "
      "text/plain;q=0.6");
  ExpectOpenMetrics("text/plain ;q=0.6, , APPLICATION/OPENMETRICS-TEXT;Q=0.7,");
}

TEST(Negotiation, IgnoresCaseOfQualityParameter) {
  ExpectText("application/openmetrics-text;Q=0.5,text/plain;q=0.6");
}

TEST(Negotiation, IgnoresOtherParameters) {
  ExpectOpenMetrics(
      "text/plain;q=0.5,"
      "application/"
      "openmetrics-text;charset=utf-8;escaping=underscores;;x;q=0.6");
}

TEST(Negotiation, KeepsSeparatorsInsideQuotes) {
  ExpectText(R"(application/json;x=",application/openmetrics-text,")");
  ExpectText(R"(application/json;x="\",application/openmetrics-text,")");
  ExpectOpenMetrics(R"(application/openmetrics-text;x=";q=0,";q=0.5)");
}

void ExpectGzip(std::string_view accept_encoding) {
  EXPECT_TRUE(AcceptsGzip(accept_encoding)) << accept_encoding;
}

void ExpectNoGzip(std::string_view accept_encoding) {
  EXPECT_FALSE(AcceptsGzip(accept_encoding)) << accept_encoding;
}

TEST(AcceptsGzip, WhenListed) {
  ExpectGzip("gzip");
  ExpectGzip("x-gzip");
  ExpectGzip("GZip");
  ExpectGzip("deflate, gzip;q=1.0, br;q=0.5");
  ExpectGzip(" gzip ; q=0.001");
  ExpectGzip("*");
  ExpectGzip("br, *;q=0.1");
}

TEST(AcceptsGzip, NotWhenAbsent) {
  ExpectNoGzip("");
  ExpectNoGzip("identity");
  ExpectNoGzip("br, deflate, zstd");
  ExpectNoGzip("gzipped, notgzip, xgzip");
  ExpectNoGzip(R"("gzip")");
}

TEST(AcceptsGzip, NotWithQualityZero) {
  ExpectNoGzip("gzip;q=0");
  ExpectNoGzip("gzip;q=0.000, *");
  ExpectNoGzip("*;q=0");
  ExpectNoGzip("gzip;q=x");
}

TEST(AcceptsGzip, WhenIdentityIsForbidden) {
  ExpectGzip("gzip;q=0.1, *;q=0");
  ExpectGzip("gzip, gzip;q=0");
  ExpectGzip("gzip;q=0, x-gzip");
  ExpectGzip("gzip, identity;q=0");
}

TEST(AcceptsGzip, WhenNotBelowIdentity) {
  ExpectGzip("gzip;q=0.5, identity;q=0.5");
  ExpectGzip("identity;q=0.4, *;q=0.5");
  ExpectNoGzip("gzip;q=0.5, identity");
  ExpectNoGzip("gzip;q=0.5, *;q=0.6");
}

}  // namespace
}  // namespace jemalloc_exporter
