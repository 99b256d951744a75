// The reader on the jemalloc that serves this program's malloc.

#include <gtest/gtest.h>

#include <cstdint>
#include <cstdlib>
#include <memory>

#include "jemalloc_exporter/heap_reader.h"

namespace jemalloc_exporter {
namespace {

class ReadHeapOfJemalloc : public testing::Test {
 protected:
  void SetUp() override {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
    GTEST_SKIP() << "the sanitizer serves malloc, not jemalloc";
#endif
    ASSERT_NE(FindMallctl(), nullptr);
  }
};

struct ThreadCounters {
  std::uint64_t allocated = 0;
  std::uint64_t freed = 0;
  bool operator==(const ThreadCounters&) const = default;
};

ThreadCounters CountersOfThisThread() {
  ThreadCounters counters;
  std::size_t size = sizeof(counters.allocated);
  Mallctl* const mallctl = FindMallctl();
  EXPECT_EQ(mallctl("thread.allocated", &counters.allocated, &size, nullptr, 0),
            0);
  EXPECT_EQ(mallctl("thread.deallocated", &counters.freed, &size, nullptr, 0),
            0);
  return counters;
}

TEST_F(ReadHeapOfJemalloc, FindsEveryField) {
  const HeapSnapshot reading = ReadHeap();
  for (const HeapField& field : kHeapFields) {
    EXPECT_NE(reading.state.*field.value, std::nullopt) << field.mallctl;
  }
  EXPECT_TRUE(reading.used);
}

TEST_F(ReadHeapOfJemalloc, SeesAnAllocationAndItsEnd) {
  constexpr std::size_t kSize = 64 << 20;
  const HeapState before = ReadHeap().state;
  std::unique_ptr<void, decltype(&free)> block(malloc(kSize), &free);
  const HeapState during = ReadHeap().state;
  block.reset();
  const HeapState after = ReadHeap().state;
  EXPECT_GE(*during.allocated_bytes, *before.allocated_bytes + kSize);
  EXPECT_GE(*during.active_bytes, *before.active_bytes + kSize);
  EXPECT_GE(*during.mapped_bytes, *before.mapped_bytes + kSize);
  EXPECT_LT(*after.allocated_bytes, *during.allocated_bytes);
}

// A build without statistics has the pages only. Nothing is allocated between
// the reads, and none of them advances the epoch.
TEST_F(ReadHeapOfJemalloc, HasAsManyActiveBytesAsActivePages) {
  const auto read = [](const char* name) {
    std::size_t value = 0;
    std::size_t size = sizeof(value);
    EXPECT_EQ(FindMallctl()(name, &value, &size, nullptr, 0), 0) << name;
    return value;
  };
  const HeapState state = ReadHeap().state;
  EXPECT_EQ(state.active_bytes,
            read("stats.arenas.4096.pactive") * read("arenas.page"));
}

TEST_F(ReadHeapOfJemalloc, AllocatesNothing) {
  ReadHeap();
  const ThreadCounters before = CountersOfThisThread();
  for (int i = 0; i < 1000; ++i) ReadHeap();
  EXPECT_EQ(CountersOfThisThread(), before);
}

}  // namespace
}  // namespace jemalloc_exporter
