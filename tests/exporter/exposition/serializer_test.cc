#include "exporter/exposition/serializer.h"

#include <gtest/gtest.h>

#include "tests/support/metric_families.h"

namespace jemalloc_exporter {
namespace {

TEST(Serializer, WithoutFamiliesWritesOnlyEof) {
  EXPECT_EQ(SerializeExposition(Format::kOpenMetrics, {}), "# EOF\n");
  EXPECT_EQ(SerializeExposition(Format::kText, {}), "");
}

TEST(Serializer, WritesNoBlankLinesOrComments) {
  const std::vector<prometheus::MetricFamily> families = {
      Gauges("a", {Value(1, {{"x", "1"}}), Value(2, {{"x", "2"}})}, "A."),
      Counters("b_total", {Value(3)}, "B.")};
  EXPECT_EQ(SerializeExposition(Format::kOpenMetrics, families),
            "# TYPE a gauge\n"
            "# HELP a A.\n"
            "a{x=\"1\"} 1\n"
            "a{x=\"2\"} 2\n"
            "# TYPE b counter\n"
            "# HELP b B.\n"
            "b_total 3\n"
            "# EOF\n");
  EXPECT_EQ(SerializeExposition(Format::kText, families),
            "# HELP a A.\n"
            "# TYPE a gauge\n"
            "a{x=\"1\"} 1\n"
            "a{x=\"2\"} 2\n"
            "# HELP b_total B.\n"
            "# TYPE b_total counter\n"
            "b_total 3\n");
}

TEST(Serializer, WritesEachFamilyOnceAndContiguously) {
  EXPECT_EQ(SerializeExposition(
                Format::kText,
                {Gauges("a", {Value(1)}, "A."), Gauges("b", {Value(2)}, "B."),
                 Gauges("a", {Value(3, {{"x", "1"}})}, "Another A.")}),
            "# HELP a A.\n"
            "# TYPE a gauge\n"
            "a 1\n"
            "a{x=\"1\"} 3\n"
            "# HELP b B.\n"
            "# TYPE b gauge\n"
            "b 2\n");
}

TEST(Serializer, OmitsMetadataWithoutSamples) {
  const std::vector<prometheus::MetricFamily> families = {
      Counters("a_total", {Value(kNaN)}, "A."),
      Histograms("h", {Histogram(1, 1, {{2, 1}})}, "H."),
      Gauges("g", {Value(1)})};
  EXPECT_EQ(SerializeExposition(Format::kOpenMetrics, families),
            "# TYPE g gauge\n"
            "g 1\n"
            "# EOF\n");
  EXPECT_EQ(SerializeExposition(Format::kText, families),
            "# HELP a_total A.\n"
            "# TYPE a_total counter\n"
            "a_total NaN\n"
            "# TYPE g gauge\n"
            "g 1\n");
}

TEST(Serializer, WritesGaugeAndCounterOfOneNameInOpenMetrics) {
  EXPECT_EQ(SerializeExposition(Format::kOpenMetrics,
                                {Gauges("a_bytes", {Value(1)}),
                                 Counters("a_bytes_total", {Value(2)})}),
            "# TYPE a_bytes gauge\n"
            "# UNIT a_bytes bytes\n"
            "a_bytes 1\n"
            "# TYPE a_bytes_total unknown\n"
            "a_bytes_total 2\n"
            "# EOF\n");
}

TEST(Serializer, IsDeterministic) {
  const std::vector<prometheus::MetricFamily> families = {
      Gauges("b", {Value(1, {{"y", "1"}, {"x", "2"}}), Value(2)}),
      Summaries("a", {Summary(1, 2, {{0.5, 3}})})};
  EXPECT_EQ(SerializeExposition(Format::kOpenMetrics, families),
            SerializeExposition(Format::kOpenMetrics, families));
}

}  // namespace
}  // namespace jemalloc_exporter
