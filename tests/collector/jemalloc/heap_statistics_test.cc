#include "jemalloc_exporter/heap_statistics.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <set>
#include <string>

#include "jemalloc_exporter/heap_options.h"

namespace jemalloc_exporter {
namespace {

using testing::EndsWith;
using testing::StartsWith;

// The rows with the metric of `row`, which follow each other.
const HeapStatistic& FirstOfMetric(const HeapStatistic& row) {
  const HeapStatistic* first = &row;
  while (first > kHeapStatistics && first[-1].metric == row.metric) --first;
  return *first;
}

TEST(HeapStatistics, HasEveryValueAbsentByDefault) {
  for (const HeapStatistic& row : kHeapStatistics) {
    EXPECT_EQ(HeapStatistics().*row.value, std::nullopt) << row.key;
  }
}

TEST(HeapStatistics, DiffersWhenAnyValueDiffersOrIsAbsent) {
  EXPECT_TRUE(HeapStatistics::test_fixture() == HeapStatistics::test_fixture());
  for (const HeapStatistic& row : kHeapStatistics) {
    HeapStatistics changed = HeapStatistics::test_fixture();
    ++*(changed.*row.value);
    EXPECT_TRUE(changed != HeapStatistics::test_fixture()) << row.key;
    changed.*row.value = std::nullopt;
    EXPECT_TRUE(changed != HeapStatistics::test_fixture()) << row.key;
  }
}

TEST(HeapStatistics, HasARowForEachMember) {
  EXPECT_EQ(sizeof(HeapStatistics),
            std::size(kHeapStatistics) * sizeof(HeapStatistics::Value));
  std::set<std::string_view> keys;
  std::set<std::string> series;
  for (const HeapStatistic& row : kHeapStatistics) {
    keys.insert(row.key);
    series.insert(std::string(row.metric) + std::string(row.label_value));
  }
  EXPECT_EQ(keys.size(), std::size(kHeapStatistics));
  EXPECT_EQ(series.size(), std::size(kHeapStatistics));
}

TEST(HeapStatistics, HasNamesByTheConventionsOfPrometheus) {
  for (const HeapStatistic& row : kHeapStatistics) {
    const std::string metric(row.metric);
    EXPECT_THAT(metric, StartsWith("jemalloc_"));
    EXPECT_EQ(row.kind == StatisticKind::kCounter,
              testing::Value(metric, EndsWith("_total")))
        << metric;
    EXPECT_EQ(row.unit == MallctlUnit::kNanoseconds,
              metric.find("_seconds") != std::string::npos)
        << metric;
    if (row.unit == MallctlUnit::kPages) {
      EXPECT_THAT(std::string(row.key), EndsWith("_bytes"));
    }
    EXPECT_EQ(row.label.empty(), row.label_value.empty()) << metric;
  }
}

TEST(HeapStatistics, HasOneDefinitionOfAMetric) {
  std::set<std::string_view> seen;
  for (const HeapStatistic& row : kHeapStatistics) {
    const HeapStatistic& first = FirstOfMetric(row);
    EXPECT_EQ(row.help.empty(), &row != &first) << row.key;
    EXPECT_EQ(&row == &first, seen.insert(row.metric).second) << row.metric;
    EXPECT_EQ(row.label, first.label) << row.key;
    EXPECT_EQ(row.kind, first.kind) << row.key;
    EXPECT_EQ(row.unit, first.unit) << row.key;
    EXPECT_EQ(row.collector, first.collector) << row.key;
  }
}

TEST(HeapStatistics, HasHelpThatEndsWithTheMallctlName) {
  for (const HeapStatistic& row : kHeapStatistics) {
    if (row.help.empty()) continue;
    EXPECT_THAT(std::string(row.help), EndsWith(")"));
    if (row.mallctl == nullptr) continue;
    std::string name = row.mallctl;
    if (!row.label.empty()) {
      name.replace(name.find(row.label_value), row.label_value.size(), "*");
    }
    EXPECT_THAT(std::string(row.help), EndsWith(" (" + name + ")"));
  }
}

TEST(HeapStatistics, AddsDestroyedArenasToEachCounterOfArenas) {
  for (const HeapStatistic& row : kHeapStatistics) {
    if (row.mallctl == nullptr) continue;
    const bool is_of_arenas =
        std::string_view(row.mallctl).find("4096") != std::string_view::npos;
    EXPECT_EQ(IncludesDestroyedArenas(row),
              is_of_arenas && row.kind == StatisticKind::kCounter)
        << row.key;
  }
}

TEST(HeapOptionValue, HasAtMost32PlainCharacters) {
  EXPECT_EQ(HeapOptionValue("true").view(), "true");
  EXPECT_TRUE(HeapOptionValue().empty());
  EXPECT_EQ(HeapOptionValue(std::string(40, 'x')).view(), std::string(32, 'x'));
  EXPECT_EQ(HeapOptionValue("a\"b\\c\n\x7F\xC3").view(), "a?b?c???");
}

TEST(HeapOptions, DiffersWhenAnyOptionDiffers) {
  EXPECT_TRUE(HeapOptions().empty());
  EXPECT_FALSE(HeapOptions::test_fixture().empty());
  EXPECT_TRUE(HeapOptions::test_fixture() == HeapOptions::test_fixture());
  for (std::size_t i = 0; i < kHeapOptionCount; ++i) {
    HeapOptions changed = HeapOptions::test_fixture();
    changed.values[i] = {};
    EXPECT_TRUE(changed != HeapOptions::test_fixture()) << i;
  }
}

TEST(HeapOptions, LacksTheOneThatProgramsChange) {
  for (const HeapOption& option : kHeapOptions) {
    EXPECT_EQ(std::string_view(option.mallctl).find("background_thread"),
              std::string_view::npos);
  }
}

}  // namespace
}  // namespace jemalloc_exporter
