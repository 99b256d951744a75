#include "exporter/exposition/samples.h"

#include <gtest/gtest.h>

#include "tests/support/metric_families.h"

namespace jemalloc_exporter {
namespace {

using prometheus::ClientMetric;
using prometheus::MetricType;

std::string Samples(Format format, MetricType type, const ClientMetric& metric,
                    std::string labels = {}) {
  std::string page;
  AppendSamples(page, format, {"a", "a", "", type, {}},
                {std::move(labels), &metric});
  return page;
}

// Returns the samples in both formats, once if they are equal.
std::string Samples(MetricType type, const ClientMetric& metric,
                    const std::string& labels = {}) {
  const std::string text = Samples(Format::kText, type, metric, labels);
  const std::string open_metrics =
      Samples(Format::kOpenMetrics, type, metric, labels);
  return text == open_metrics ? text : text + "or\n" + open_metrics;
}

TEST(Samples, OfScalarTypesAreOneLine) {
  ClientMetric metric;
  metric.counter.value = 1;
  metric.gauge.value = 2;
  metric.untyped.value = 3;
  EXPECT_EQ(Samples(MetricType::Counter, metric), "a 1\n");
  EXPECT_EQ(Samples(MetricType::Gauge, metric), "a 2\n");
  EXPECT_EQ(Samples(MetricType::Untyped, metric), "a 3\n");
}

TEST(Samples, IncludeLabels) {
  EXPECT_EQ(Samples(MetricType::Gauge, Value(2), R"(x="1")"), "a{x=\"1\"} 2\n");
}

TEST(Samples, IncludeTimestampInTheUnitOfTheFormat) {
  EXPECT_EQ(Samples(MetricType::Gauge, At(1'500, Value(2))),
            "a 2 1500\nor\na 2 1.5\n");
  EXPECT_EQ(Samples(MetricType::Gauge, At(-1'500, Value(2))),
            "a 2 -1500\nor\na 2 -1.5\n");
}

TEST(Samples, OfAGaugeTakeAnyValue) {
  EXPECT_EQ(Samples(MetricType::Gauge, Value(-1)), "a -1\n");
  EXPECT_EQ(Samples(MetricType::Gauge, Value(kNaN)), "a NaN\n");
  EXPECT_EQ(Samples(MetricType::Untyped, Value(-kInfinity)), "a -Inf\n");
}

TEST(Samples, OfNegativeOrNaNCountersAreDroppedInOpenMetrics) {
  EXPECT_EQ(Samples(MetricType::Counter, Value(-1)), "a -1\nor\n");
  EXPECT_EQ(Samples(MetricType::Counter, Value(kNaN)), "a NaN\nor\n");
  EXPECT_EQ(Samples(MetricType::Counter, Value(kInfinity)), "a +Inf\n");
}

TEST(Samples, OfAHistogramAreItsBucketsSumAndCount) {
  const ClientMetric metric =
      Histogram(3, 4.5, {{1, 0.5}, {2, 1}, {3, kInfinity}});
  EXPECT_EQ(Samples(Format::kOpenMetrics, MetricType::Histogram, metric),
            "a_bucket{le=\"0.5\"} 1\n"
            "a_bucket{le=\"1.0\"} 2\n"
            "a_bucket{le=\"+Inf\"} 3\n"
            "a_sum 4.5\n"
            "a_count 3\n");
  EXPECT_EQ(Samples(Format::kText, MetricType::Histogram, metric),
            "a_bucket{le=\"0.5\"} 1\n"
            "a_bucket{le=\"1\"} 2\n"
            "a_bucket{le=\"+Inf\"} 3\n"
            "a_sum 4.5\n"
            "a_count 3\n");
}

TEST(Samples, OfAHistogramShareLabelsAndTimestamp) {
  EXPECT_EQ(Samples(Format::kText, MetricType::Histogram,
                    At(9, Histogram(3, 4.5, {})), R"(x="1")"),
            "a_bucket{x=\"1\",le=\"+Inf\"} 3 9\n"
            "a_sum{x=\"1\"} 4.5 9\n"
            "a_count{x=\"1\"} 3 9\n");
}

TEST(Samples, OfAHistogramCountEqualsTheInfBucket) {
  EXPECT_EQ(Samples(MetricType::Histogram, Histogram(9, 1, {{3, kInfinity}})),
            "a_bucket{le=\"+Inf\"} 3\n"
            "a_sum 1\n"
            "a_count 3\n");
}

TEST(Samples, OfAHistogramWithDecreasingCountsAreDropped) {
  EXPECT_EQ(Samples(MetricType::Histogram, Histogram(1, 1, {{2, 1}})), "");
}

TEST(Samples, OfAHistogramWithNegativeBoundsHaveNoSumInOpenMetrics) {
  const ClientMetric negative_bound = Histogram(1, 1, {{0, -0.5}});
  EXPECT_EQ(
      Samples(Format::kOpenMetrics, MetricType::Histogram, negative_bound),
      "a_bucket{le=\"-0.5\"} 0\n"
      "a_bucket{le=\"+Inf\"} 1\n");
  EXPECT_EQ(Samples(Format::kText, MetricType::Histogram, negative_bound),
            "a_bucket{le=\"-0.5\"} 0\n"
            "a_bucket{le=\"+Inf\"} 1\n"
            "a_sum 1\n"
            "a_count 1\n");
  EXPECT_EQ(Samples(Format::kOpenMetrics, MetricType::Histogram,
                    Histogram(1, kNaN, {})),
            "a_bucket{le=\"+Inf\"} 1\n");
  EXPECT_EQ(Samples(Format::kOpenMetrics, MetricType::Histogram,
                    Histogram(1, -1, {})),
            "a_bucket{le=\"+Inf\"} 1\n");
}

TEST(Samples, OfASummaryAreItsQuantilesSumAndCount) {
  const ClientMetric metric = Summary(3, 4.5, {{1, 2}, {0.5, kNaN}});
  EXPECT_EQ(Samples(Format::kOpenMetrics, MetricType::Summary, metric),
            "a{quantile=\"0.5\"} NaN\n"
            "a{quantile=\"1.0\"} 2\n"
            "a_sum 4.5\n"
            "a_count 3\n");
  EXPECT_EQ(Samples(Format::kText, MetricType::Summary, metric),
            "a{quantile=\"0.5\"} NaN\n"
            "a{quantile=\"1\"} 2\n"
            "a_sum 4.5\n"
            "a_count 3\n");
}

TEST(Samples, OfASummaryDropNegativeQuantilesInOpenMetrics) {
  const ClientMetric metric = Summary(3, -4, {{0.5, -2}, {0.9, 1}});
  EXPECT_EQ(Samples(Format::kOpenMetrics, MetricType::Summary, metric),
            "a{quantile=\"0.9\"} 1\n");
  EXPECT_EQ(Samples(Format::kText, MetricType::Summary, metric),
            "a{quantile=\"0.5\"} -2\n"
            "a{quantile=\"0.9\"} 1\n"
            "a_sum -4\n"
            "a_count 3\n");
}

TEST(Samples, KeepEveryDigitOfACount) {
  EXPECT_EQ(Samples(MetricType::Summary,
                    Summary(std::numeric_limits<std::uint64_t>::max(), 0, {})),
            "a_sum 0\n"
            "a_count 18446744073709551615\n");
}

}  // namespace
}  // namespace jemalloc_exporter
