#include "collector/report/entry_store.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace jemalloc_exporter {
namespace {

using TestStore = EntryStore<std::string>;

HeapReportEntry EntryOf(const std::string& name, const std::string& result,
                        std::optional<std::int64_t> growth = {}) {
  HeapReportEntry entry;
  entry.name = name;
  entry.result = result;
  entry.heap_growth_bytes = growth;
  return entry;
}

void Start(const std::string& name, TestStore& store) {
  store.Put(name, EntryOf(name, kRunning));
}

void RunOnce(const std::string& name, std::optional<std::int64_t> growth,
             TestStore& store) {
  Start(name, store);
  store.Put(name, EntryOf(name, "passed", growth));
  store.MarkEnded(name);
  store.EvictExcess();
}

std::vector<HeapReportEntry> Entries(const TestStore& store) {
  std::vector<HeapReportEntry> entries;
  store.ForEach([&](const std::string&, const HeapReportEntry& entry) {
    entries.push_back(entry);
  });
  return entries;
}

std::vector<std::string> Names(const TestStore& store) {
  std::vector<std::string> names;
  for (const HeapReportEntry& entry : Entries(store)) {
    names.push_back(entry.name);
  }
  return names;
}

using Strings = std::vector<std::string>;

TEST(EntryStore, KeepsTheLastRun) {
  TestStore store(10);
  RunOnce("A.B", 1, store);
  RunOnce("A.B", 2, store);
  ASSERT_EQ(Names(store), Strings{"A.B"});
  EXPECT_EQ(Entries(store)[0].heap_growth_bytes, 2);
}

TEST(EntryStore, DropsTheResultOfATestThatRunsAgain) {
  TestStore store(10);
  RunOnce("A.B", 1, store);
  Start("A.B", store);
  ASSERT_EQ(Names(store), Strings{"A.B"});
  EXPECT_EQ(Entries(store)[0].result, "running");
  EXPECT_EQ(Entries(store)[0].heap_growth_bytes, std::nullopt);
}

TEST(EntryStore, EvictsTheTestThatGrewLeast) {
  TestStore store(2);
  RunOnce("grew a little", 1, store);
  RunOnce("shrank", -5, store);
  EXPECT_EQ(store.evicted(), 0U);
  RunOnce("grew much", 100, store);
  EXPECT_EQ(Names(store), (Strings{"grew a little", "grew much"}));
  RunOnce("grew less than all", -1, store);
  EXPECT_EQ(Names(store), (Strings{"grew a little", "grew much"}));
  EXPECT_EQ(store.evicted(), 2U);
}

TEST(EntryStore, EvictsTheFirstByKeyOfEquals) {
  TestStore store(2);
  RunOnce("b", 0, store);
  RunOnce("a", std::nullopt, store);
  RunOnce("c", 0, store);
  EXPECT_EQ(Names(store), (Strings{"b", "c"}));
}

TEST(EntryStore, EvictsByTheGrowthOfTheLastRun) {
  TestStore store(2);
  RunOnce("leaks no more", 100, store);
  RunOnce("leaks", 10, store);
  RunOnce("leaks no more", 0, store);
  RunOnce("new", 1, store);
  EXPECT_EQ(Names(store), (Strings{"leaks", "new"}));
}

TEST(EntryStore, StaysBoundedAfterTestsRanAgain) {
  TestStore store(2);
  for (int run = 0; run < 10; ++run) {
    RunOnce("grows more", run, store);
    RunOnce("grows less", -run, store);
  }
  for (const char* const name : {"c", "d", "e"}) RunOnce(name, 0, store);
  EXPECT_EQ(Names(store).size(), 2U);
  EXPECT_EQ(store.evicted(), 3U);
}

TEST(EntryStore, DoesNotEvictATestThatRuns) {
  TestStore store(1);
  RunOnce("grew", 100, store);
  Start("new", store);
  EXPECT_EQ(Names(store), (Strings{"grew", "new"}));
}

TEST(EntryStore, IgnoresTheEndOfAnUnknownKey) {
  TestStore store(0);
  store.MarkEnded("a");
  store.EvictExcess();
  EXPECT_EQ(store.evicted(), 0U);
}

TEST(EntryStore, EvictsAnEntryThatIsMarkedTwiceOnce) {
  TestStore store(0);
  Start("a", store);
  store.MarkEnded("a");
  store.MarkEnded("a");
  store.EvictExcess();
  EXPECT_EQ(store.evicted(), 1U);
}

}  // namespace
}  // namespace jemalloc_exporter
