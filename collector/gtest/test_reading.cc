#include "collector/gtest/test_reading.h"

#include <cstdint>

#include "collector/jemalloc/heap_refresh.h"

namespace jemalloc_exporter {
namespace {

using Clock = std::chrono::steady_clock;

// Not `ReadHeap`: a refresh shared with a scrape may have begun before the test
// ended.
HeapReading ReadFlushedHeap(Mallctl* mallctl) {
  if (mallctl != nullptr) {
    // Fails in a thread without a cache, which needs no flush.
    mallctl("thread.tcache.flush", nullptr, nullptr, nullptr, 0);
  }
  return RefreshHeap(mallctl);
}

std::int64_t Change(std::uint64_t before, std::uint64_t after) {
  return static_cast<std::int64_t>(after - before);
}

}  // namespace

TestReading ReadBeforeTest(Mallctl* mallctl) noexcept {
  TestReading reading;
  reading.heap = ReadFlushedHeap(mallctl);
  reading.thread = ReadThreadBytes(mallctl);
  reading.time = Clock::now();
  return reading;
}

TestReading ReadAfterTest(Mallctl* mallctl) noexcept {
  TestReading reading;
  reading.time = Clock::now();
  reading.thread = ReadThreadBytes(mallctl);
  reading.heap = ReadFlushedHeap(mallctl);
  return reading;
}

HeapReportEntry RecordBetween(const TestReading& before,
                              const TestReading& after) {
  HeapReportEntry record;
  record.duration_seconds =
      std::chrono::duration<double>(after.time - before.time).count();
  record.before = before.heap.published();
  record.after = after.heap.published();
  if (!after.heap.used) return record;
  const auto& allocated_before = before.heap.state.allocated_bytes;
  const auto& allocated_after = after.heap.state.allocated_bytes;
  if (allocated_before && allocated_after) {
    record.heap_growth_bytes = Change(*allocated_before, *allocated_after);
  }
  if (before.thread && after.thread) {
    record.allocated_bytes =
        Change(before.thread->allocated, after.thread->allocated);
    record.freed_bytes = Change(before.thread->freed, after.thread->freed);
  }
  return record;
}

}  // namespace jemalloc_exporter
