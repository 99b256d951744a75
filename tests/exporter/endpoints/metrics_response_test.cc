#include "exporter/endpoints/metrics_response.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <prometheus/metric_family.h>

#include <cstddef>
#include <string>
#include <vector>

#include "exporter/http/gzip.h"
#include "tests/support/metric_families.h"

namespace jemalloc_exporter {
namespace {

using testing::ElementsAre;
using testing::Pair;

using Families = std::vector<prometheus::MetricFamily>;

const Families kFamilies = {Gauges("g", {Value(1)})};

TEST(MetricsResponse, IsTextByDefault) {
  const Response page = MetricsResponse({}, kFamilies);
  EXPECT_EQ(page.status, 200);
  EXPECT_EQ(page.content_type, "text/plain; version=0.0.4; charset=utf-8");
  EXPECT_EQ(page.body, "# TYPE g gauge\ng 1\n");
  EXPECT_THAT(page.headers,
              ElementsAre(Pair("Vary", "Accept, Accept-Encoding")));
}

TEST(MetricsResponse, IsOpenMetricsIfNegotiated) {
  const Response page =
      MetricsResponse({.accept = "application/openmetrics-text"}, kFamilies);
  EXPECT_EQ(page.content_type,
            "application/openmetrics-text; version=1.0.0; charset=utf-8");
  EXPECT_EQ(page.body, "# TYPE g gauge\ng 1\n# EOF\n");
}

// A page of that many bytes, and some.
Families PageOfSize(std::size_t size) {
  return {Gauges("g", {Value(1, {{"padding", std::string(size, 'x')}})})};
}

TEST(MetricsResponse, IsCompressedIfAcceptedAndLarge) {
  const Families families = PageOfSize(2000);
  const Response page = MetricsResponse({.accept_encoding = "gzip"}, families);
  EXPECT_EQ(page.body, Gzip(MetricsResponse({}, families).body));
  EXPECT_THAT(page.headers, ElementsAre(Pair("Vary", "Accept, Accept-Encoding"),
                                        Pair("Content-Encoding", "gzip")));
}

TEST(MetricsResponse, IsNotCompressedWithoutAcceptEncoding) {
  const Families families = PageOfSize(2000);
  for (const std::string encoding : {"identity", "br", "gzip;q=0"}) {
    const Response page =
        MetricsResponse({.accept_encoding = encoding}, families);
    EXPECT_EQ(page.body, MetricsResponse({}, families).body) << encoding;
    EXPECT_THAT(page.headers,
                ElementsAre(Pair("Vary", "Accept, Accept-Encoding")));
  }
}

TEST(MetricsResponse, IsNotCompressedIfItFitsIntoOnePacket) {
  const Families families = PageOfSize(1000);
  EXPECT_EQ(MetricsResponse({.accept_encoding = "gzip"}, families).body,
            MetricsResponse({}, families).body);
}

}  // namespace
}  // namespace jemalloc_exporter
