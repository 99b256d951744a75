#include "exporter/process/process.h"

#include <gtest/gtest.h>

#include <limits>

#include "tests/support/sample_processes.h"

namespace jemalloc_exporter {
namespace {

TEST(SumOfHeaps, AddsTheUsedHeaps) {
  const HeapState sum = SumOfHeaps(ProcessWithSeveralHeaps().heaps);
  EXPECT_EQ(sum.allocated_bytes, (3 << 20) + (1 << 19));
  EXPECT_EQ(sum.active_bytes, 5 << 20);
  EXPECT_EQ(sum.resident_bytes, 4 << 20);
  EXPECT_EQ(sum.narenas, 128);
}

TEST(SumOfHeaps, LacksWhatOneOfThemLacks) {
  std::vector<ProcessHeap> heaps = ProcessWithSeveralHeaps().heaps;
  EXPECT_EQ(SumOfHeaps(heaps).mapped_bytes, std::nullopt);
  std::swap(heaps[0], heaps[1]);
  EXPECT_EQ(SumOfHeaps(heaps).mapped_bytes, std::nullopt);
}

TEST(SumOfHeaps, IsEmptyWithoutAUsedHeap) {
  EXPECT_EQ(SumOfHeaps({{"a_", "5", false, HeapState::test_fixture()},
                        {"b_", "5", false, HeapState::test_fixture()}}),
            HeapState{});
}

TEST(SumOfHeaps, StopsAtTheLargestNumber) {
  HeapState large;
  large.active_bytes = std::numeric_limits<std::uint64_t>::max() - 1;
  EXPECT_EQ(SumOfHeaps({{"a_", "5", true, large}, {"b_", "5", true, large}})
                .active_bytes,
            std::numeric_limits<std::uint64_t>::max());
}

}  // namespace
}  // namespace jemalloc_exporter
