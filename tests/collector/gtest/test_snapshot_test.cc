#include "collector/gtest/test_snapshot.h"

#include <gtest/gtest.h>

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include "tests/support/fake_jemalloc.h"

namespace jemalloc_exporter {
namespace {

using std::chrono_literals::operator""ms;

constexpr std::uint64_t kAllocated = 512 * 1024;

TestSnapshot Reading(std::uint64_t allocated, ThreadAllocationCounters thread,
                     std::chrono::milliseconds time) {
  TestSnapshot reading;
  reading.heap.state = HeapState::test_fixture();
  reading.heap.state.allocated_bytes = allocated;
  reading.thread = thread;
  reading.time = std::chrono::steady_clock::time_point(time);
  return reading;
}

TEST(DiffSnapshots, HasTheDifferences) {
  TestSnapshot before = Reading(kAllocated, {1000, 100}, 5ms);
  TestSnapshot after = Reading(kAllocated - 4096, {1500, 4700}, 30ms);
  before.heap.statistics.small_requests = 7;
  after.heap.statistics.small_requests = 1007;
  before.heap.statistics.large_requests = 70;
  after.heap.statistics.large_requests = 73;
  const HeapReportEntry record = DiffSnapshots(before, after);
  EXPECT_DOUBLE_EQ(*record.duration_seconds, 0.025);
  EXPECT_EQ(record.heap_growth_bytes, -4096);
  EXPECT_EQ(record.allocated_bytes, 500);
  EXPECT_EQ(record.freed_bytes, 4600);
  EXPECT_EQ(record.small_allocations, 1000);
  EXPECT_EQ(record.large_allocations, 3);
  EXPECT_EQ(record.before, before.heap.state);
  EXPECT_EQ(record.after, after.heap.state);
}

TEST(DiffSnapshots, HasNoHeapWhereItIsUnused) {
  TestSnapshot before = Reading(kAllocated, {}, 5ms);
  TestSnapshot after = Reading(kAllocated, {}, 30ms);
  before.heap.used = after.heap.used = false;
  const HeapReportEntry record = DiffSnapshots(before, after);
  EXPECT_TRUE(record.duration_seconds.has_value());
  for (const HeapReportField& field : kHeapReportFields) {
    EXPECT_EQ(record.*field.value, std::nullopt) << field.key;
  }
  EXPECT_EQ(record.before, HeapState{});
  EXPECT_EQ(record.after, HeapState{});
}

TEST(DiffSnapshots, HasTheGrowthOfANewlyUsedHeap) {
  TestSnapshot before = Reading(28'672, {}, 5ms);
  before.heap.used = false;
  const HeapReportEntry record =
      DiffSnapshots(before, Reading(28'672 + 64, {}, 30ms));
  EXPECT_EQ(record.heap_growth_bytes, 64);
  EXPECT_EQ(record.before, HeapState{});
}

TEST(DiffSnapshots, OmitsNumbersAbsentOnOneSide) {
  TestSnapshot before = Reading(kAllocated, {}, 5ms);
  before.heap.state.allocated_bytes = std::nullopt;
  before.thread = std::nullopt;
  const HeapReportEntry record =
      DiffSnapshots(before, Reading(kAllocated, {}, 30ms));
  for (const HeapReportField& field : kHeapReportFields) {
    EXPECT_EQ(record.*field.value, std::nullopt) << field.key;
  }
}

class SnapshotAroundATest : public testing::Test {
 protected:
  SnapshotAroundATest() {
    jemalloc_.values["thread.allocatedp"] =
        reinterpret_cast<std::uintptr_t>(&counter_);
    jemalloc_.values["thread.deallocatedp"] =
        reinterpret_cast<std::uintptr_t>(&counter_);
  }

  // What was done to the thread and to the statistics, in order.
  std::vector<std::string> Steps() const {
    std::vector<std::string> steps;
    for (const std::string& call : jemalloc_.calls) {
      if (call.rfind("thread.", 0) == 0 || call == "epoch =") {
        steps.push_back(call);
      }
    }
    return steps;
  }

  std::uint64_t counter_ = 4096;
  FakeJemalloc jemalloc_;
};

using Strings = std::vector<std::string>;

TEST_F(SnapshotAroundATest, ReadsTheThreadsCountersLastBeforeIt) {
  const TestSnapshot reading = SnapshotBeforeTest(FakeMallctl);
  EXPECT_EQ(Steps(), (Strings{"thread.tcache.flush", "epoch =",
                              "thread.allocatedp", "thread.deallocatedp"}));
  EXPECT_EQ(reading.heap.state, HeapState::test_fixture());
  EXPECT_EQ(reading.thread->allocated, 4096U);
}

TEST_F(SnapshotAroundATest, ReadsTheThreadsCountersFirstAfterIt) {
  const TestSnapshot reading = SnapshotAfterTest(FakeMallctl);
  EXPECT_EQ(Steps(), (Strings{"thread.allocatedp", "thread.deallocatedp",
                              "thread.tcache.flush", "epoch ="}));
  EXPECT_EQ(reading.heap.state, HeapState::test_fixture());
  EXPECT_EQ(reading.thread->deallocated, 4096U);
}

TEST(SnapshotWithoutJemalloc, HasTheTimeOnly) {
  for (const auto read : {SnapshotBeforeTest, SnapshotAfterTest}) {
    const TestSnapshot reading = read(nullptr);
    EXPECT_EQ(reading.heap.state, HeapState{});
    EXPECT_FALSE(reading.thread.has_value());
    EXPECT_GT(reading.time.time_since_epoch().count(), 0);
  }
}

}  // namespace
}  // namespace jemalloc_exporter
