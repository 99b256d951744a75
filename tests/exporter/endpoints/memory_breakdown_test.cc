#include "exporter/endpoints/memory_breakdown.h"

#include <gtest/gtest.h>

namespace jemalloc_exporter {
namespace {

Process ProcessOf(const HeapState& heap, std::optional<std::uint64_t> rss) {
  Process process;
  process.status = ProcessStatus::kUsed;
  process.heap_state = heap;
  process.resident_memory_bytes = rss;
  return process;
}

HeapState Heap(std::optional<std::uint64_t> allocated,
               std::optional<std::uint64_t> active,
               std::optional<std::uint64_t> resident) {
  HeapState heap;
  heap.allocated_bytes = allocated;
  heap.active_bytes = active;
  heap.resident_bytes = resident;
  return heap;
}

// In the order of MemoryUse.
using Uses = std::array<std::uint64_t, 7>;

Uses Split(const HeapState& heap, std::optional<std::uint64_t> rss) {
  return BreakDownMemory(ProcessOf(heap, rss)).value().bytes;
}

TEST(MemoryBreakdown, SplitsRssByUse) {
  EXPECT_EQ(Split(Heap(10, 15, 22), 30), (Uses{10, 5, 0, 0, 7, 8, 0}));
}

TEST(MemoryBreakdown, SeparatesPaddingFromHoles) {
  Process process = ProcessOf(Heap(10, 15, 22), 30);
  process.statistics.large_padding_bytes = 4;
  EXPECT_EQ(BreakDownMemory(process).value().bytes,
            (Uses{10, 1, 4, 0, 7, 8, 0}));
  // Not of one instant: more padding than there can be.
  process.statistics.large_padding_bytes = 7;
  EXPECT_EQ(BreakDownMemory(process).value().bytes,
            (Uses{10, 0, 5, 0, 7, 8, 0}));
}

TEST(MemoryBreakdown, SumIsRssIfStatisticsExceedIt) {
  EXPECT_EQ(Split(Heap(10, 15, 22), 17), (Uses{10, 5, 0, 0, 2, 0, 0}));
  EXPECT_EQ(Split(Heap(10, 15, 22), 8), (Uses{8, 0, 0, 0, 0, 0, 0}));
}

TEST(MemoryBreakdown, NeverUnderflowsOnInconsistentStatistics) {
  EXPECT_EQ(Split(Heap(20, 15, 10), 30), (Uses{20, 0, 0, 0, 0, 10, 0}));
}

TEST(MemoryBreakdown, SplitsResidentIfRssIsUnknown) {
  EXPECT_EQ(Split(Heap(10, 15, 22), std::nullopt),
            (Uses{10, 5, 0, 0, 7, 0, 0}));
}

TEST(MemoryBreakdown, HasActiveAndUnknownInABuildWithoutStatistics) {
  EXPECT_EQ(Split(Heap(std::nullopt, 15, std::nullopt), 30),
            (Uses{0, 0, 0, 15, 0, 0, 15}));
}

TEST(MemoryBreakdown, HasUnknownIfActiveIsAbsent) {
  EXPECT_EQ(Split(Heap(10, std::nullopt, 22), 30),
            (Uses{10, 0, 0, 0, 0, 8, 12}));
}

TEST(MemoryBreakdown, IsAbsentWithoutAllocatedAndActive) {
  EXPECT_EQ(
      BreakDownMemory(ProcessOf(Heap(std::nullopt, std::nullopt, 22), 30)),
      std::nullopt);
}

}  // namespace
}  // namespace jemalloc_exporter
