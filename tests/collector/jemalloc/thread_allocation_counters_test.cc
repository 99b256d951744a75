#include "jemalloc_exporter/thread_allocation_counters.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <string>
#include <vector>

#include "tests/support/fake_jemalloc.h"

namespace jemalloc_exporter {
namespace {

class ReadThreadAllocationCountersTest : public testing::Test {
 protected:
  ReadThreadAllocationCountersTest() {
    jemalloc_.values["thread.allocatedp"] =
        reinterpret_cast<std::uintptr_t>(&allocated_);
    jemalloc_.values["thread.deallocatedp"] =
        reinterpret_cast<std::uintptr_t>(&freed_);
  }

  std::uint64_t allocated_ = 4096;
  std::uint64_t freed_ = 64;
  FakeJemalloc jemalloc_;
};

TEST_F(ReadThreadAllocationCountersTest, ReturnsTheValuesAtThePointers) {
  const auto bytes = ReadThreadAllocationCounters(FakeMallctl);
  ASSERT_TRUE(bytes.has_value());
  EXPECT_EQ(bytes->allocated, 4096U);
  EXPECT_EQ(bytes->deallocated, 64U);
}

TEST_F(ReadThreadAllocationCountersTest, ReadsNoOtherName) {
  ReadThreadAllocationCounters(FakeMallctl);
  EXPECT_EQ(jemalloc_.calls, (std::vector<std::string>{"thread.allocatedp",
                                                       "thread.deallocatedp"}));
}

TEST_F(ReadThreadAllocationCountersTest, IsEmptyWithoutJemalloc) {
  EXPECT_FALSE(ReadThreadAllocationCounters(nullptr).has_value());
}

TEST_F(ReadThreadAllocationCountersTest, IsEmptyWithoutOneOfThem) {
  for (const char* name : {"thread.allocatedp", "thread.deallocatedp"}) {
    const auto counter = jemalloc_.values.extract(name);
    EXPECT_FALSE(ReadThreadAllocationCounters(FakeMallctl).has_value()) << name;
    jemalloc_.values[counter.key()] = counter.mapped();
  }
}

TEST_F(ReadThreadAllocationCountersTest, IsEmptyForAnotherSize) {
  jemalloc_.narrow = "thread.allocatedp";
  EXPECT_FALSE(ReadThreadAllocationCounters(FakeMallctl).has_value());
  jemalloc_.narrow.clear();
  jemalloc_.missized = "thread.deallocatedp";
  EXPECT_FALSE(ReadThreadAllocationCounters(FakeMallctl).has_value());
}

}  // namespace
}  // namespace jemalloc_exporter
