#include "jemalloc_exporter/heap_expectation.h"

#include <gtest/gtest-spi.h>
#include <gtest/gtest.h>

#include <cstdint>

#include "tests/support/fake_jemalloc.h"

namespace jemalloc_exporter {
namespace {

class Expectation : public testing::Test {
 protected:
  Expectation() {
    jemalloc_.values["thread.allocatedp"] =
        reinterpret_cast<std::uintptr_t>(&allocated_);
    jemalloc_.values["thread.deallocatedp"] =
        reinterpret_cast<std::uintptr_t>(&freed_);
  }

  // Expects the thread's counters to move by the two numbers.
  static void Expect(std::uint64_t tolerance, std::uint64_t allocates,
                     std::uint64_t frees, Mallctl* mallctl = FakeMallctl) {
    HeapExpectation expectation(tolerance, "here.cc", 7, mallctl);
    int turns = 0;
    while (expectation.Begin()) {
      ++turns;
      allocated_ += allocates;
      freed_ += frees;
      expectation.End();
    }
    EXPECT_EQ(turns, 1);
  }

  inline static std::uint64_t allocated_ = 1'000'000;
  inline static std::uint64_t freed_ = 2'000'000;
  FakeJemalloc jemalloc_;
};

TEST_F(Expectation, HoldsWhereAllIsFreed) { Expect(0, 4096, 4096); }

TEST_F(Expectation, HoldsWithinTheTolerance) {
  Expect(64, 4096, 4096 - 64);
  Expect(64, 4096 - 64, 4096);
}

TEST_F(Expectation, FailsBeyondTheTolerance) {
  EXPECT_NONFATAL_FAILURE(
      Expect(64, 4096, 4031),
      "this thread allocated 4096 bytes and freed 4031, 65 bytes apart; "
      "tolerated are 64.");
  EXPECT_NONFATAL_FAILURE(
      Expect(64, 4031, 4096),
      "this thread allocated 4031 bytes and freed 4096, 65 bytes apart; "
      "tolerated are 64.");
}

TEST_F(Expectation, FailsAtTheBlock) {
  testing::TestPartResultArray failures;
  {
    const testing::ScopedFakeTestPartResultReporter reporter(
        testing::ScopedFakeTestPartResultReporter::
            INTERCEPT_ONLY_CURRENT_THREAD,
        &failures);
    Expect(0, 1, 0);
  }
  ASSERT_EQ(failures.size(), 1);
  EXPECT_STREQ(failures.GetTestPartResult(0).file_name(), "here.cc");
  EXPECT_EQ(failures.GetTestPartResult(0).line_number(), 7);
}

TEST_F(Expectation, HoldsWithoutJemalloc) { Expect(0, 4096, 0, nullptr); }

TEST_F(Expectation, HoldsWithoutStatistics) {
  jemalloc_.values.clear();
  Expect(0, 4096, 0);
}

TEST(HeapStable, RunsItsBlockOnce) {
  int turns = 0;
  EXPECT_HEAP_STABLE(0) { ++turns; }
  EXPECT_EQ(turns, 1);
}

TEST(HeapStable, IsOneStatement) {
  int turns = 0;
  if (turns == 0)
    EXPECT_HEAP_STABLE(0)++ turns;
  else
    ++turns;
  EXPECT_EQ(turns, 1);
}

}  // namespace
}  // namespace jemalloc_exporter
