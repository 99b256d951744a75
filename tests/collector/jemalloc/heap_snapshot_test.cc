#include "collector/jemalloc/heap_snapshot.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/support/fake_jemalloc.h"

namespace jemalloc_exporter {

// What gtest prints of a state that is not the expected one.
void PrintTo(const HeapState& state, std::ostream* out) {
  for (const HeapField& field : kHeapFields) {
    const auto& value = state.*field.value;
    *out << field.key << "=" << (value ? std::to_string(*value) : "absent")
         << " ";
  }
}

namespace {

using testing::Contains;
using testing::ElementsAre;

HeapState FixtureWithout(const HeapField& field) {
  HeapState state = HeapState::test_fixture();
  state.*field.value = std::nullopt;
  return state;
}

TEST(TakeHeapSnapshot, ReadsEveryField) {
  const FakeJemalloc fake;
  EXPECT_EQ(TakeHeapSnapshot(FakeMallctl).state, HeapState::test_fixture());
}

TEST(TakeHeapSnapshot, AdvancesTheEpochOnceBeforeItReads) {
  const FakeJemalloc fake;
  TakeHeapSnapshot(FakeMallctl);
  EXPECT_EQ(fake.calls.front(), "epoch =");
  EXPECT_EQ(fake.calls.back(), "epoch");
  EXPECT_THAT(fake.calls, Contains("epoch =").Times(1));
}

TEST(TakeHeapSnapshot, ReadsTheStateAloneIfThatIsRequested) {
  const FakeJemalloc fake;
  const HeapSnapshot snapshot =
      TakeHeapSnapshot(FakeMallctl, SnapshotScope::kState);
  EXPECT_EQ(snapshot.state, HeapState::test_fixture());
  EXPECT_TRUE(snapshot.statistics == HeapStatistics{});
  EXPECT_TRUE(snapshot.options == HeapOptions{});
  std::vector<std::string> calls = {"epoch ="};
  for (const HeapField& field : kHeapFields) calls.emplace_back(field.mallctl);
  calls.insert(calls.end(), {"stats.arenas.4096.internal", "epoch"});
  EXPECT_EQ(fake.calls, calls);
}

TEST(TakeHeapSnapshot, IsEmptyWithoutMallctl) {
  EXPECT_EQ(TakeHeapSnapshot(nullptr).state, HeapState{});
}

TEST(TakeHeapSnapshot, IsEmptyWhenTheEpochCannotBeAdvanced) {
  FakeJemalloc fake;
  fake.epoch_fails = true;
  EXPECT_EQ(TakeHeapSnapshot(FakeMallctl).state, HeapState{});
  EXPECT_THAT(fake.calls, ElementsAre("epoch ="));
}

TEST(TakeHeapSnapshot, LeavesOutOnlyTheFieldThatIsUnknown) {
  for (const HeapField& field : kHeapFields) {
    FakeJemalloc fake;
    fake.values.erase(field.mallctl);
    EXPECT_EQ(TakeHeapSnapshot(FakeMallctl).state, FixtureWithout(field));
  }
}

TEST(TakeHeapSnapshot, LeavesOutOnlyTheFieldThatIsPartlyWritten) {
  for (const HeapField& field : kHeapFields) {
    FakeJemalloc fake;
    fake.narrow = field.mallctl;
    EXPECT_EQ(TakeHeapSnapshot(FakeMallctl).state, FixtureWithout(field));
  }
}

TEST(TakeHeapSnapshot, LeavesOutOnlyTheFieldOfAnotherSize) {
  for (const HeapField& field : kHeapFields) {
    FakeJemalloc fake;
    fake.missized = field.mallctl;
    EXPECT_EQ(TakeHeapSnapshot(FakeMallctl).state, FixtureWithout(field));
  }
}

TEST(TakeHeapSnapshot, ReadsTheArenasOfABuildWithoutStatistics) {
  FakeJemalloc fake;
  fake.values = {{"arenas.narenas", 9}};
  HeapState arenas_only;
  arenas_only.narenas = 9;
  EXPECT_EQ(TakeHeapSnapshot(FakeMallctl).state, arenas_only);
}

TEST(TakeHeapSnapshot, ReadsTheActivePagesOfABuildWithoutStatistics) {
  FakeJemalloc fake;
  fake.values = {{"arenas.narenas", 9},
                 {"arenas.page", 16'384},
                 {"stats.arenas.4096.pactive", 100}};
  HeapState expected;
  expected.active_bytes = 1'638'400;
  expected.narenas = 9;
  const HeapSnapshot snapshot = TakeHeapSnapshot(FakeMallctl);
  EXPECT_EQ(snapshot.state, expected);
  EXPECT_TRUE(snapshot.used);
}

TEST(TakeHeapSnapshot, ReadsTheActivePagesOfTheSameEpoch) {
  FakeJemalloc fake;
  fake.values = {{"arenas.narenas", 9},
                 {"arenas.page", 4096},
                 {"stats.arenas.4096.pactive", 100}};
  TakeHeapSnapshot(FakeMallctl);
  EXPECT_THAT(fake.calls, Contains("epoch =").Times(1));
  EXPECT_EQ(fake.calls.back(), "epoch");
}

TEST(TakeHeapSnapshot, LeavesOutActiveBytesWithoutPagesOrPageSize) {
  for (const std::string missing :
       {"arenas.page", "stats.arenas.4096.pactive"}) {
    FakeJemalloc fake;
    fake.values = {{"arenas.narenas", 9},
                   {"arenas.page", 4096},
                   {"stats.arenas.4096.pactive", 100}};
    fake.values.erase(missing);
    EXPECT_EQ(TakeHeapSnapshot(FakeMallctl).state.active_bytes, std::nullopt);
  }
}

TEST(TakeHeapSnapshot, ReadsNoPagesWhereStatisticsExist) {
  const FakeJemalloc fake;
  TakeHeapSnapshot(FakeMallctl);
  EXPECT_THAT(fake.calls, Contains("stats.arenas.4096.pactive").Times(0));
}

TEST(TakeHeapSnapshot, ReadsAgainWhenAnotherThreadRefreshedInBetween) {
  FakeJemalloc fake;
  fake.foreign_refreshes = 1;
  HeapState after = HeapState::test_fixture();
  ++*after.allocated_bytes;
  EXPECT_EQ(TakeHeapSnapshot(FakeMallctl).state, after);
}

TEST(TakeHeapSnapshot, AdvancesTheEpochOnceAlsoWhenItReadsAgain) {
  FakeJemalloc fake;
  fake.foreign_refreshes = 1;
  TakeHeapSnapshot(FakeMallctl);
  EXPECT_THAT(fake.calls, Contains("epoch =").Times(1));
}

TEST(TakeHeapSnapshot, StopsAfterTheMaximumNumberOfAttempts) {
  FakeJemalloc fake;
  fake.foreign_refreshes = 1'000'000;
  EXPECT_NE(TakeHeapSnapshot(FakeMallctl).state.allocated_bytes, std::nullopt);
  EXPECT_THAT(fake.calls, Contains("stats.allocated").Times(4));
}

TEST(HeapSnapshot, PublishesTheStateOfAUsedHeap) {
  const HeapSnapshot reading{HeapState::test_fixture(), true,
                             HeapStatistics::test_fixture(),
                             HeapOptions::test_fixture()};
  EXPECT_EQ(reading.visible_state(), HeapState::test_fixture());
  EXPECT_TRUE(reading.visible_statistics() == HeapStatistics::test_fixture());
  EXPECT_TRUE(reading.visible_options() == HeapOptions::test_fixture());
}

TEST(HeapSnapshot, PublishesNothingOfAnUnusedHeapButKeepsIt) {
  const HeapSnapshot reading{HeapState::test_fixture(), false,
                             HeapStatistics::test_fixture(),
                             HeapOptions::test_fixture()};
  EXPECT_EQ(reading.visible_state(), HeapState{});
  EXPECT_TRUE(reading.visible_statistics() == HeapStatistics{});
  EXPECT_TRUE(reading.visible_options() == HeapOptions{});
  EXPECT_EQ(reading.state, HeapState::test_fixture());
}

}  // namespace
}  // namespace jemalloc_exporter
