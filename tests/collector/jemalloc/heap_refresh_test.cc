#include "collector/jemalloc/heap_refresh.h"

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

TEST(HeapRefresh, ReadsEveryField) {
  const FakeJemalloc fake;
  EXPECT_EQ(RefreshHeap(FakeMallctl).state, HeapState::test_fixture());
}

TEST(HeapRefresh, AdvancesTheEpochOnceBeforeItReads) {
  const FakeJemalloc fake;
  RefreshHeap(FakeMallctl);
  EXPECT_THAT(fake.calls,
              ElementsAre("epoch =", "stats.allocated", "stats.active",
                          "stats.resident", "stats.mapped", "arenas.narenas",
                          "stats.arenas.4096.internal", "epoch"));
}

TEST(HeapRefresh, IsEmptyWithoutMallctl) {
  EXPECT_EQ(RefreshHeap(nullptr).state, HeapState{});
}

TEST(HeapRefresh, IsEmptyWhenTheEpochCannotBeAdvanced) {
  FakeJemalloc fake;
  fake.epoch_fails = true;
  EXPECT_EQ(RefreshHeap(FakeMallctl).state, HeapState{});
  EXPECT_THAT(fake.calls, ElementsAre("epoch ="));
}

TEST(HeapRefresh, LeavesOutOnlyTheFieldThatIsUnknown) {
  for (const HeapField& field : kHeapFields) {
    FakeJemalloc fake;
    fake.values.erase(field.mallctl);
    EXPECT_EQ(RefreshHeap(FakeMallctl).state, FixtureWithout(field));
  }
}

TEST(HeapRefresh, LeavesOutOnlyTheFieldThatIsPartlyWritten) {
  for (const HeapField& field : kHeapFields) {
    FakeJemalloc fake;
    fake.narrow = field.mallctl;
    EXPECT_EQ(RefreshHeap(FakeMallctl).state, FixtureWithout(field));
  }
}

TEST(HeapRefresh, LeavesOutOnlyTheFieldOfAnotherSize) {
  for (const HeapField& field : kHeapFields) {
    FakeJemalloc fake;
    fake.missized = field.mallctl;
    EXPECT_EQ(RefreshHeap(FakeMallctl).state, FixtureWithout(field));
  }
}

TEST(HeapRefresh, ReadsTheArenasOfABuildWithoutStatistics) {
  FakeJemalloc fake;
  fake.values = {{"arenas.narenas", 9}};
  HeapState arenas_only;
  arenas_only.narenas = 9;
  EXPECT_EQ(RefreshHeap(FakeMallctl).state, arenas_only);
}

TEST(HeapRefresh, ReadsAgainWhenAnotherThreadRefreshedInBetween) {
  FakeJemalloc fake;
  fake.foreign_refreshes = 1;
  HeapState after = HeapState::test_fixture();
  ++*after.allocated_bytes;
  EXPECT_EQ(RefreshHeap(FakeMallctl).state, after);
}

TEST(HeapRefresh, AdvancesTheEpochOnceAlsoWhenItReadsAgain) {
  FakeJemalloc fake;
  fake.foreign_refreshes = 1;
  RefreshHeap(FakeMallctl);
  EXPECT_THAT(fake.calls, Contains("epoch =").Times(1));
}

TEST(HeapRefresh, GivesUpWhenOtherThreadsNeverStopRefreshing) {
  FakeJemalloc fake;
  fake.foreign_refreshes = 1'000'000;
  EXPECT_NE(RefreshHeap(FakeMallctl).state.allocated_bytes, std::nullopt);
  EXPECT_THAT(fake.calls, Contains("stats.allocated").Times(4));
}

TEST(HeapUse, IsSeenInOneByteBeyondJemallocsOwn) {
  FakeJemalloc fake;
  fake.values["stats.arenas.4096.internal"] = 28'672;
  fake.values["stats.allocated"] = 28'673;
  EXPECT_TRUE(RefreshHeap(FakeMallctl).used);
}

TEST(HeapUse, IsNotSeenInJemallocsOwnBytes) {
  FakeJemalloc fake;
  fake.values["stats.arenas.4096.internal"] = 28'672;
  fake.values["stats.allocated"] = 28'672;
  EXPECT_FALSE(RefreshHeap(FakeMallctl).used);
}

TEST(HeapUse, IsNotSeenWhereNothingIsAllocatedAtAll) {
  FakeJemalloc fake;
  fake.values["stats.allocated"] = 0;
  fake.values["stats.active"] = 0;
  fake.values.erase("stats.arenas.4096.internal");
  EXPECT_FALSE(RefreshHeap(FakeMallctl).used);
}

TEST(HeapUse, IsTakenForGrantedWhereJemallocDoesNotSayWhatItsOwnBytesAre) {
  FakeJemalloc fake;
  fake.values.erase("stats.arenas.4096.internal");
  EXPECT_TRUE(RefreshHeap(FakeMallctl).used);
}

TEST(HeapUse, IsTakenForGrantedWithoutStatistics) {
  FakeJemalloc fake;
  fake.values = {{"arenas.narenas", 9}};
  EXPECT_TRUE(RefreshHeap(FakeMallctl).used);
}

TEST(HeapReading, PublishesTheStateOfAUsedHeap) {
  const HeapReading reading{HeapState::test_fixture(), true};
  EXPECT_EQ(reading.published(), HeapState::test_fixture());
}

TEST(HeapReading, PublishesNothingOfAnUnusedHeapButKeepsIt) {
  const HeapReading reading{HeapState::test_fixture(), false};
  EXPECT_EQ(reading.published(), HeapState{});
  EXPECT_EQ(reading.state, HeapState::test_fixture());
}

}  // namespace
}  // namespace jemalloc_exporter
