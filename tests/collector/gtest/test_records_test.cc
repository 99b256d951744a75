#include "collector/gtest/test_records.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace jemalloc_exporter {
namespace {

HeapRecord TestNamed(const std::string& name,
                     std::optional<std::int64_t> growth) {
  HeapRecord test;
  test.name = name;
  test.result = "passed";
  test.heap_growth_bytes = growth;
  return test;
}

void RunOnce(const std::string& name, std::optional<std::int64_t> growth,
             TestRecords& records) {
  records.Start(name);
  records.End(TestNamed(name, growth));
}

std::vector<std::string> Names(const TestRecords& records) {
  std::vector<std::string> names;
  for (const HeapRecord& test : records.SortedByName()) {
    names.push_back(test.name);
  }
  return names;
}

using Strings = std::vector<std::string>;

TEST(TestRecords, RemembersTheLastRun) {
  TestRecords records(10);
  RunOnce("A.B", 1, records);
  RunOnce("A.B", 2, records);
  ASSERT_EQ(Names(records), Strings{"A.B"});
  EXPECT_EQ(records.SortedByName()[0].heap_growth_bytes, 2);
}

TEST(TestRecords, HasATestThatRunsAsNoMoreThanThat) {
  TestRecords records(10);
  RunOnce("A.B", 1, records);
  records.Start("A.B");
  ASSERT_EQ(Names(records), Strings{"A.B"});
  EXPECT_EQ(records.SortedByName()[0].result, "running");
  EXPECT_EQ(records.SortedByName()[0].heap_growth_bytes, std::nullopt);
}

TEST(TestRecords, ForgetsTheTestThatGrewLeast) {
  TestRecords records(2);
  RunOnce("grew a little", 1, records);
  RunOnce("shrank", -5, records);
  EXPECT_EQ(records.forgotten(), 0U);
  RunOnce("grew much", 100, records);
  EXPECT_EQ(Names(records), (Strings{"grew a little", "grew much"}));
  RunOnce("grew less than all", -1, records);
  EXPECT_EQ(Names(records), (Strings{"grew a little", "grew much"}));
  EXPECT_EQ(records.forgotten(), 2U);
}

TEST(TestRecords, ForgetsTheFirstByNameOfEquals) {
  TestRecords records(2);
  RunOnce("b", 0, records);
  RunOnce("a", std::nullopt, records);
  RunOnce("c", 0, records);
  EXPECT_EQ(Names(records), (Strings{"b", "c"}));
}

TEST(TestRecords, CountsByTheLastRunWhoGrewLeast) {
  TestRecords records(2);
  RunOnce("leaks no more", 100, records);
  RunOnce("leaks", 10, records);
  RunOnce("leaks no more", 0, records);
  RunOnce("new", 1, records);
  EXPECT_EQ(Names(records), (Strings{"leaks", "new"}));
}

TEST(TestRecords, StaysBoundedAfterTestsRanAgain) {
  TestRecords records(2);
  for (int run = 0; run < 10; ++run) {
    RunOnce("grows more", run, records);
    RunOnce("grows less", -run, records);
  }
  for (const char* const name : {"c", "d", "e"}) RunOnce(name, 0, records);
  EXPECT_EQ(Names(records).size(), 2U);
  EXPECT_EQ(records.forgotten(), 3U);
}

TEST(TestRecords, KeepsTheTestThatRuns) {
  TestRecords records(1);
  RunOnce("grew", 100, records);
  records.Start("new");
  EXPECT_EQ(Names(records), (Strings{"grew", "new"}));
}

}  // namespace
}  // namespace jemalloc_exporter
