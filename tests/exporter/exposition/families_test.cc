#include "exporter/exposition/families.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/metric_families.h"

namespace jemalloc_exporter {
namespace {

using prometheus::MetricFamily;
using testing::ElementsAre;
using testing::IsEmpty;

// Formats families as `name` or `name=open_metrics_name`, with labels.
std::vector<std::string> Merge(const std::vector<MetricFamily>& families) {
  std::vector<std::string> words;
  for (const MergedFamily& family : MergeFamilies(families)) {
    std::string word(family.name);
    if (family.open_metrics_name != family.name) {
      word.append("=").append(family.open_metrics_name);
    }
    for (const MergedMetric& metric : family.metrics) {
      word.append(" {").append(metric.labels).append("}");
    }
    words.push_back(word);
  }
  return words;
}

TEST(Families, OfEqualNameAreMergedAtTheFirstPosition) {
  EXPECT_THAT(
      Merge({Gauges("a", {Value(1, {{"x", "1"}})}), Gauges("b", {Value(1)}),
             Gauges("a", {Value(2, {{"x", "2"}}), Value(3)})}),
      ElementsAre(R"(a {x="1"} {x="2"} {})", "b {}"));
}

TEST(Families, UseTheFirstNonEmptyHelp) {
  const std::vector<MetricFamily> families = {Gauges("a", {Value(1)}, ""),
                                              Gauges("a", {Value(1)}, "One."),
                                              Gauges("a", {Value(1)}, "Two.")};
  EXPECT_EQ(MergeFamilies(families).front().help, "One.");
}

TEST(Families, OfConflictingTypeAreDropped) {
  const std::vector<MetricFamily> families = {
      Gauges("a", {Value(1)}, ""),
      Counters("a", {Value(2, {{"x", "1"}})}, "Two."),
      Gauges("a", {Value(3, {{"x", "2"}})})};
  EXPECT_THAT(Merge(families), ElementsAre(R"(a {} {x="2"})"));
  EXPECT_EQ(MergeFamilies(families).front().help, "");
}

TEST(Families, WithoutMetricsAreIgnored) {
  const std::vector<MetricFamily> families = {Counters("a", {}, "Empty."),
                                              Gauges("a", {Value(1)}, "Full."),
                                              Gauges("b", {})};
  EXPECT_THAT(Merge(families), ElementsAre("a {}"));
  EXPECT_EQ(MergeFamilies(families).front().type,
            prometheus::MetricType::Gauge);
  EXPECT_EQ(MergeFamilies(families).front().help, "Full.");
}

TEST(Families, WithIllegalNamesAreDropped) {
  for (const char* name : {"", "0a", "a-b", "a b", "a\n", "a{", "é", "__a"}) {
    EXPECT_THAT(Merge({Gauges(name, {Value(1)})}), IsEmpty()) << name;
  }
  EXPECT_THAT(Merge({Gauges("_a:B9", {Value(1)})}), ElementsAre("_a:B9 {}"));
}

TEST(Families, WithIllegalSampleNamesAreDropped) {
  EXPECT_THAT(Merge({Histograms("_", {Histogram(1, 1, {{1, 1}})})}), IsEmpty());
  EXPECT_THAT(Merge({Summaries("_", {Summary(1, 1, {})})}), IsEmpty());
  EXPECT_THAT(Merge({Gauges("_", {Value(1)})}), ElementsAre("_ {}"));
}

TEST(Families, KeepTheFirstOfDuplicateLabelSets) {
  const std::vector<MetricFamily> families = {
      Gauges("a", {Value(1, {{"x", "1"}, {"y", "2"}})}),
      Gauges("a", {Value(2, {{"y", "2"}, {"x", "1"}}), Value(3),
                   Value(4, {{"x", ""}}), Value(5, {{"0", "z"}})})};
  const auto metrics = MergeFamilies(families).front().metrics;
  ASSERT_EQ(metrics.size(), 2U);
  EXPECT_EQ(metrics[0].values->gauge.value, 1);
  EXPECT_EQ(metrics[1].values->gauge.value, 3);
}

TEST(Families, AreDroppedWhenADistributionReservesTheName) {
  EXPECT_THAT(
      Merge({Gauges("h_bucket", {Value(1)}), Gauges("h_count", {Value(1)}),
             Gauges("h_sum", {Value(1)}), Gauges("h_created", {Value(1)}),
             Gauges("h_total", {Value(1)}),
             Histograms("h", {Histogram(0, 0, {})})}),
      ElementsAre("h_total {}", "h {}"));
  EXPECT_THAT(
      Merge({Summaries("s", {Summary(0, 0, {})}),
             Gauges("s_bucket", {Value(1)}), Gauges("s_count", {Value(1)}),
             Gauges("s_sum", {Value(1)}), Gauges("s_created", {Value(1)})}),
      ElementsAre("s {}", "s_bucket {}"));
}

TEST(CounterName, DropsTotalSuffixInOpenMetrics) {
  EXPECT_THAT(
      Merge({Counters("a_total", {Value(1)}), Gauges("b_total", {Value(1)}),
             Counters("c", {Value(1)}), Counters("_total", {Value(1)})}),
      ElementsAre("a_total=a {}", "b_total {}", "c {}", "_total {}"));
}

TEST(CounterName, KeepsTotalWhenTheBaseNameIsTaken) {
  EXPECT_THAT(Merge({Counters("a_total", {Value(1)}), Gauges("a", {Value(1)})}),
              ElementsAre("a_total {}", "a {}"));
  EXPECT_THAT(
      Merge({Counters("a", {Value(1)}), Counters("a_total", {Value(1)})}),
      ElementsAre("a {}", "a_total {}"));
  EXPECT_THAT(Merge({Histograms("a", {Histogram(0, 0, {})}),
                     Counters("a_total", {Value(1)})}),
              ElementsAre("a {}", "a_total {}"));
}

TEST(CounterName, KeepsTotalWhenADistributionReservesTheBaseName) {
  EXPECT_THAT(Merge({Counters("h_count_total", {Value(1)}),
                     Histograms("h", {Histogram(0, 0, {})})}),
              ElementsAre("h_count_total {}", "h {}"));
}

TEST(CounterName, KeepsTotalWhenCreatedNameClashes) {
  EXPECT_THAT(
      Merge({Gauges("a_created", {Value(1)}), Counters("a_total", {Value(1)})}),
      ElementsAre("a_created {}", "a_total {}"));
  EXPECT_THAT(Merge({Counters("a_total", {Value(1)}),
                     Counters("a_created_total", {Value(1)})}),
              ElementsAre("a_total {}", "a_created_total {}"));
}

TEST(CounterName, IgnoresCreatedNamesOfGauges) {
  EXPECT_THAT(
      Merge({Gauges("a", {Value(1)}), Counters("a_created_total", {Value(1)})}),
      ElementsAre("a {}", "a_created_total=a_created {}"));
}

TEST(CounterName, IgnoresDroppedFamilies) {
  EXPECT_THAT(Merge({Counters("a_total", {Value(1)}), Gauges("a", {})}),
              ElementsAre("a_total=a {}"));
}

}  // namespace
}  // namespace jemalloc_exporter
