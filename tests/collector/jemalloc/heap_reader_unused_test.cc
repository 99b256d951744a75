// The reader on a jemalloc that is linked but has no user: Debian's own
// archive under prefixed names (see CMakeLists.txt), from which nothing
// allocates until a test does. Run once for each MALLOC_CONF that changes what
// jemalloc allocates for itself.

#include <gtest/gtest.h>

#include <functional>
#include <latch>
#include <thread>
#include <vector>

#include "jemalloc_exporter/heap_reader.h"
#include "tests/support/subprocess.h"

extern "C" {
int unused_mallctl(const char*, void*, std::size_t*, void*, std::size_t);
void* unused_malloc(std::size_t);
}

namespace jemalloc_exporter {
namespace {

// Runs `body` while other threads live that touched jemalloc and are parked.
void WithThreadsThatTouchedJemalloc(int count,
                                    const std::function<void()>& body) {
  std::latch touched(count);
  std::latch done(1);
  std::vector<std::thread> threads;
  threads.reserve(static_cast<std::size_t>(count));
  for (int i = 0; i < count; ++i) {
    threads.emplace_back([&] {
      ReadHeap(unused_mallctl);
      touched.count_down();
      done.wait();
    });
  }
  touched.wait();
  body();
  done.count_down();
  for (std::thread& thread : threads) thread.join();
}

TEST(UnusedJemalloc, IsDetected) {
  EXPECT_FALSE(ReadHeap(unused_mallctl).used);
  EXPECT_EQ(ReadHeap(unused_mallctl).visible_state(), HeapState{});
}

TEST(UnusedJemalloc, IsDetectedAfterSeveralThreadsCalledIt) {
  WithThreadsThatTouchedJemalloc(
      4, [] { EXPECT_FALSE(ReadHeap(unused_mallctl).used); });
}

TEST(UnusedJemalloc, KeepsItsRawNumbers) {
  const HeapState state = ReadHeap(unused_mallctl).state;
  for (const HeapField& field : kHeapFields) {
    EXPECT_NE(state.*field.value, std::nullopt) << field.mallctl;
  }
  EXPECT_GT(state.narenas, 0);
  EXPECT_GT(state.resident_bytes, 0);
  EXPECT_GT(state.mapped_bytes, 0);
}

// In a process of its own: the heap stays used for the tests that follow. Not
// under ThreadSanitizer, which takes the mutexes that jemalloc initialises
// after fork(2) for locked; ctest runs each test in a process of its own
// anyway.
void RunWithOwnHeap(const std::function<void()>& test) {
#ifdef __SANITIZE_THREAD__
  test();
#else
  RunInSubprocess(test);
#endif
}

void ExpectUsedAfterAllocation(std::size_t size) {
  RunWithOwnHeap([size] {
    ASSERT_FALSE(ReadHeap(unused_mallctl).used);
    ASSERT_NE(unused_malloc(size), nullptr);
    EXPECT_TRUE(ReadHeap(unused_mallctl).used);
  });
}

TEST(UnusedJemalloc, BecomesUsedWithOneSmallAllocation) {
  ExpectUsedAfterAllocation(1);
}

TEST(UnusedJemalloc, BecomesUsedWithOneLargeAllocation) {
  ExpectUsedAfterAllocation(1 << 20);
}

TEST(UnusedJemalloc, BecomesUsedAfterSeveralThreadsCalledIt) {
  RunWithOwnHeap([] {
    WithThreadsThatTouchedJemalloc(4, [] {
      ASSERT_NE(unused_malloc(1), nullptr);
      EXPECT_TRUE(ReadHeap(unused_mallctl).used);
    });
  });
}

}  // namespace
}  // namespace jemalloc_exporter
