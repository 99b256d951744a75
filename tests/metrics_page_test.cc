#include "web/metrics_page.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <prometheus/metric_family.h>

#include <cstddef>
#include <string>
#include <vector>

#include "tests/support/metric_families.h"
#include "web/gzip.h"

namespace jemalloc_exporter {
namespace {

using testing::ElementsAre;
using testing::Pair;

using Families = std::vector<prometheus::MetricFamily>;

const Families kFamilies = {Gauges("g", {Value(1)})};

TEST(MetricsPage, IsTextByDefault) {
  const Response page = MetricsPage({}, kFamilies);
  EXPECT_EQ(page.status, 200);
  EXPECT_EQ(page.content_type, "text/plain; version=0.0.4; charset=utf-8");
  EXPECT_EQ(page.body, "# TYPE g gauge\ng 1\n");
  EXPECT_THAT(page.headers,
              ElementsAre(Pair("Vary", "Accept, Accept-Encoding")));
}

TEST(MetricsPage, IsOpenMetricsWhenAskedTo) {
  const Response page =
      MetricsPage({.accept = "application/openmetrics-text"}, kFamilies);
  EXPECT_EQ(page.content_type,
            "application/openmetrics-text; version=1.0.0; charset=utf-8");
  EXPECT_EQ(page.body, "# TYPE g gauge\ng 1\n# EOF\n");
}

// A page of that many bytes, and some.
Families PageOfSize(std::size_t size) {
  return {Gauges("g", {Value(1, {{"padding", std::string(size, 'x')}})})};
}

TEST(MetricsPage, IsPackedWhenAskedToAndOfSomeSize) {
  const Families families = PageOfSize(2000);
  const Response page = MetricsPage({.accept_encoding = "gzip"}, families);
  EXPECT_EQ(page.body, Gzip(MetricsPage({}, families).body));
  EXPECT_THAT(page.headers, ElementsAre(Pair("Vary", "Accept, Accept-Encoding"),
                                        Pair("Content-Encoding", "gzip")));
}

TEST(MetricsPage, IsNotPackedUnasked) {
  const Families families = PageOfSize(2000);
  for (const std::string encoding : {"identity", "br", "gzip;q=0"}) {
    const Response page = MetricsPage({.accept_encoding = encoding}, families);
    EXPECT_EQ(page.body, MetricsPage({}, families).body) << encoding;
    EXPECT_THAT(page.headers,
                ElementsAre(Pair("Vary", "Accept, Accept-Encoding")));
  }
}

TEST(MetricsPage, IsNotPackedWhenItFitsAPacket) {
  const Families families = PageOfSize(1000);
  EXPECT_EQ(MetricsPage({.accept_encoding = "gzip"}, families).body,
            MetricsPage({}, families).body);
}

}  // namespace
}  // namespace jemalloc_exporter
