// What statistics and options cost, beside the refresh that every snapshot
// begins with.

#include <gtest/gtest.h>
#include <jemalloc/jemalloc.h>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <string>
#include <vector>

#include "collector/jemalloc/heap_snapshot.h"

// A program with a sanitizer has no jemalloc, and skips this test.
#pragma weak dallocx
#pragma weak mallctl
#pragma weak mallocx

namespace jemalloc_exporter {
namespace {

using Clock = std::chrono::steady_clock;

Clock::duration TimeOf(SnapshotScope scope) {
  const auto start = Clock::now();
  TakeHeapSnapshot(mallctl, scope);
  return Clock::now() - start;
}

Clock::duration Median(std::vector<Clock::duration>& times) {
  const auto middle = times.begin() + std::ssize(times) / 2;
  std::nth_element(times.begin(), middle, times.end());
  return *middle;
}

void InitializeArenas(int count) {
  for (int i = 0; i < count; ++i) {
    unsigned arena = 0;
    std::size_t size = sizeof(arena);
    ASSERT_EQ(mallctl("arenas.create", &arena, &size, nullptr, 0), 0);
    // NOLINTNEXTLINE(bugprone-narrowing-conversions): jemalloc's macro.
    const int flags = MALLOCX_ARENA(arena) | MALLOCX_TCACHE_NONE;
    dallocx(mallocx(1, flags), flags);
  }
}

// Both are timed in turn, so that other load of the machine is in both.
TEST(SnapshotCost, IsAtMostTwiceThatOfTheStateWithEightArenas) {
  if (mallctl == nullptr) GTEST_SKIP() << "needs jemalloc as malloc";
  InitializeArenas(7);  // Beside that of this thread.
  std::vector<Clock::duration> of_state;
  std::vector<Clock::duration> of_all;
  for (int i = 0; i < 5001; ++i) {
    of_state.push_back(TimeOf(SnapshotScope::kState));
    of_all.push_back(TimeOf(SnapshotScope::kAll));
  }
  const double ratio = static_cast<double>(Median(of_all).count()) /
                       static_cast<double>(Median(of_state).count());
  RecordProperty("ratio", std::to_string(ratio));
  EXPECT_LE(ratio, 2);
}

}  // namespace
}  // namespace jemalloc_exporter
