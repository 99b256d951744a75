#include "collector/jemalloc/unused_jemalloc.h"

#include <gtest/gtest.h>

#include "collector/jemalloc/heap_snapshot.h"
#include "tests/support/fake_jemalloc.h"

namespace jemalloc_exporter {
namespace {

TEST(HeapUse, StartsOneByteBeyondTheInternalBytes) {
  FakeJemalloc fake;
  fake.values["stats.arenas.4096.internal"] = 28'672;
  fake.values["stats.allocated"] = 28'673;
  EXPECT_TRUE(TakeHeapSnapshot(FakeMallctl).used);
}

TEST(HeapUse, ExcludesTheInternalBytes) {
  FakeJemalloc fake;
  fake.values["stats.arenas.4096.internal"] = 28'672;
  fake.values["stats.allocated"] = 28'672;
  EXPECT_FALSE(TakeHeapSnapshot(FakeMallctl).used);
}

TEST(HeapUse, IsAbsentWithoutAllocations) {
  FakeJemalloc fake;
  fake.values["stats.allocated"] = 0;
  fake.values["stats.active"] = 0;
  fake.values.erase("stats.arenas.4096.internal");
  EXPECT_FALSE(TakeHeapSnapshot(FakeMallctl).used);
}

TEST(HeapUse, IsAssumedWithoutInternalBytes) {
  FakeJemalloc fake;
  fake.values.erase("stats.arenas.4096.internal");
  EXPECT_TRUE(TakeHeapSnapshot(FakeMallctl).used);
}

TEST(HeapUse, IsAssumedWithoutStatistics) {
  FakeJemalloc fake;
  fake.values = {{"arenas.narenas", 9}};
  EXPECT_TRUE(TakeHeapSnapshot(FakeMallctl).used);
}

}  // namespace
}  // namespace jemalloc_exporter
