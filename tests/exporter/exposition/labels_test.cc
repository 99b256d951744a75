#include "exporter/exposition/labels.h"

#include <gtest/gtest.h>

#include <string>

#include "tests/support/metric_families.h"

namespace jemalloc_exporter {
namespace {

using prometheus::MetricType;

std::string Text(const Labels& labels) {
  return LabelSetText(labels, MetricType::Gauge);
}

TEST(LabelSetText, IsEmptyWithoutLabels) { EXPECT_EQ(Text({}), ""); }

TEST(LabelSetText, IsSortedByName) {
  EXPECT_EQ(Text({{"pid", "7"}, {"comm", "redis"}}), R"(comm="redis",pid="7")");
}

TEST(LabelSetText, EscapesValues) {
  EXPECT_EQ(Text({{"comm", "a\"b"}}), R"(comm="a\"b")");
}

TEST(LabelSetText, DropsEmptyValues) {
  EXPECT_EQ(Text({{"a", ""}, {"b", "x"}}), R"(b="x")");
}

TEST(LabelSetText, DropsIllegalNames) {
  EXPECT_EQ(Text({{"", "x"},
                  {"0a", "x"},
                  {"a-b", "x"},
                  {"a:b", "x"},
                  {"a\"", "x"},
                  {"a\n", "x"},
                  {"é", "x"},
                  {"__name__", "x"},
                  {"_ok0", "x"}}),
            R"(_ok0="x")");
}

TEST(LabelSetText, KeepsTheFirstOfTwoEqualNames) {
  EXPECT_EQ(Text({{"a", "1"}, {"b", "x"}, {"a", "2"}}), R"(a="1",b="x")");
}

TEST(LabelSetText, KeepsTheFirstOfManyEqualNames) {
  Labels labels;
  for (int i = 0; i < 100; ++i) labels.push_back({"a", std::to_string(i)});
  EXPECT_EQ(Text(labels), R"(a="0")");
}

TEST(LabelSetText, DropsLeAndQuantileOfDistributions) {
  const Labels labels = {{"le", "1"}, {"quantile", "2"}};
  EXPECT_EQ(LabelSetText(labels, MetricType::Gauge), R"(le="1",quantile="2")");
  EXPECT_EQ(LabelSetText(labels, MetricType::Histogram), R"(quantile="2")");
  EXPECT_EQ(LabelSetText(labels, MetricType::Summary), R"(le="1")");
}

}  // namespace
}  // namespace jemalloc_exporter
