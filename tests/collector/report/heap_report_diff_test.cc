#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <utility>

#include "jemalloc_exporter/heap_report.h"

namespace jemalloc_exporter {
namespace {

HeapReportEntry Passed(const std::string& name, std::int64_t growth) {
  HeapReportEntry test;
  test.name = name;
  test.result = "passed";
  test.duration_seconds = 0.25;
  test.heap_growth_bytes = growth;
  test.allocated_bytes = 64;
  test.freed_bytes = 64 - growth;
  return test;
}

HeapReport With(std::vector<HeapReportEntry> tests) {
  return {{}, std::move(tests), 0};
}

HeapReport TwoTests() {
  return With({Passed("Cache.Evicts", -4096), Passed("Cache.Fills", 32)});
}

TEST(HeapReportDiff, IsEmptyForTheSameTests) {
  EXPECT_EQ(Diff(TwoTests(), TwoTests()), "");
  EXPECT_EQ(Diff(HeapReport{}, HeapReport{}), "");
}

TEST(HeapReportDiff, IgnoresDurationsAndStates) {
  HeapReport after = TwoTests();
  after.run = Passed("other_test", 7);
  after.entries[1].duration_seconds = 7;
  after.entries[1].before = HeapState::test_fixture();
  std::swap(after.entries[0], after.entries[1]);
  EXPECT_EQ(Diff(TwoTests(), after), "");
}

TEST(HeapReportDiff, ListsChangedEntries) {
  HeapReport after = TwoTests();
  after.entries[0].result = "failed";
  after.entries[0].heap_growth_bytes = 0;
  after.entries[1].freed_bytes = std::nullopt;
  EXPECT_EQ(Diff(TwoTests(), after),
            "Cache.Evicts result: passed → failed\n"
            "Cache.Evicts heap_growth_bytes: -4096 → 0\n"
            "Cache.Fills freed_bytes: 32 → (unknown)\n");
}

TEST(HeapReportDiff, ListsAddedAndRemovedEntries) {
  EXPECT_EQ(Diff(With({Passed("A.Goes", 64), Passed("B.Stays", 0)}),
                 With({Passed("C.Comes", 0), Passed("B.Stays", 0)})),
            "A.Goes result: passed → (unknown)\n"
            "A.Goes heap_growth_bytes: 64 → (unknown)\n"
            "A.Goes allocated_bytes: 64 → (unknown)\n"
            "A.Goes freed_bytes: 0 → (unknown)\n"
            "C.Comes result: (unknown) → passed\n"
            "C.Comes heap_growth_bytes: (unknown) → 0\n"
            "C.Comes allocated_bytes: (unknown) → 64\n"
            "C.Comes freed_bytes: (unknown) → 64\n");
}

TEST(HeapReportDiff, PairsEntriesOfOneNameByOrder) {
  HeapReport after = With({Passed("worker", 1), Passed("worker", 2)});
  const HeapReport before = after;
  after.entries[1].heap_growth_bytes = 3;
  EXPECT_EQ(Diff(before, after), "worker heap_growth_bytes: 2 → 3\n");
}

}  // namespace
}  // namespace jemalloc_exporter
