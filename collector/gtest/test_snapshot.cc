#include "collector/gtest/test_snapshot.h"

#include <cstdint>
#include <optional>

#include "collector/jemalloc/heap_snapshot.h"

namespace jemalloc_exporter {
namespace {

using Clock = std::chrono::steady_clock;

// Not `ReadHeap`: a refresh shared with a scrape may have begun before the test
// ended.
HeapSnapshot ReadFlushedHeap(Mallctl* mallctl) {
  if (mallctl != nullptr) {
    // Fails in a thread without a cache, which needs no flush.
    mallctl("thread.tcache.flush", nullptr, nullptr, nullptr, 0);
  }
  return TakeHeapSnapshot(mallctl);
}

std::int64_t Change(std::uint64_t before, std::uint64_t after) {
  return static_cast<std::int64_t>(after - before);
}

std::optional<std::int64_t> Change(const std::optional<std::uint64_t>& before,
                                   const std::optional<std::uint64_t>& after) {
  if (!before || !after) return std::nullopt;
  return Change(*before, *after);
}

}  // namespace

TestSnapshot SnapshotBeforeTest(Mallctl* mallctl) noexcept {
  TestSnapshot reading;
  reading.heap = ReadFlushedHeap(mallctl);
  reading.thread = ReadThreadAllocationCounters(mallctl);
  reading.time = Clock::now();
  return reading;
}

TestSnapshot SnapshotAfterTest(Mallctl* mallctl) noexcept {
  TestSnapshot reading;
  reading.time = Clock::now();
  reading.thread = ReadThreadAllocationCounters(mallctl);
  reading.heap = ReadFlushedHeap(mallctl);
  return reading;
}

HeapReportEntry DiffSnapshots(const TestSnapshot& before,
                              const TestSnapshot& after) {
  HeapReportEntry record;
  record.duration_seconds =
      std::chrono::duration<double>(after.time - before.time).count();
  record.before = before.heap.visible_state();
  record.after = after.heap.visible_state();
  if (!after.heap.used) return record;
  record.heap_growth_bytes = Change(before.heap.state.allocated_bytes,
                                    after.heap.state.allocated_bytes);
  record.small_allocations = Change(before.heap.statistics.small_requests,
                                    after.heap.statistics.small_requests);
  record.large_allocations = Change(before.heap.statistics.large_requests,
                                    after.heap.statistics.large_requests);
  if (before.thread && after.thread) {
    record.allocated_bytes =
        Change(before.thread->allocated, after.thread->allocated);
    record.freed_bytes =
        Change(before.thread->deallocated, after.thread->deallocated);
  }
  return record;
}

}  // namespace jemalloc_exporter
