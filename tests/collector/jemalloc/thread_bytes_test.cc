#include "jemalloc_exporter/thread_bytes.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <string>
#include <vector>

#include "tests/support/fake_jemalloc.h"

namespace jemalloc_exporter {
namespace {

class ReadThreadBytesOf : public testing::Test {
 protected:
  ReadThreadBytesOf() {
    jemalloc_.values["thread.allocatedp"] =
        reinterpret_cast<std::uintptr_t>(&allocated_);
    jemalloc_.values["thread.deallocatedp"] =
        reinterpret_cast<std::uintptr_t>(&freed_);
  }

  std::uint64_t allocated_ = 4096;
  std::uint64_t freed_ = 64;
  FakeJemalloc jemalloc_;
};

TEST_F(ReadThreadBytesOf, TheCountersThatJemallocPointsAt) {
  const auto bytes = ReadThreadBytes(FakeMallctl);
  ASSERT_TRUE(bytes.has_value());
  EXPECT_EQ(bytes->allocated, 4096U);
  EXPECT_EQ(bytes->freed, 64U);
}

TEST_F(ReadThreadBytesOf, TheCountersAndNothingElse) {
  ReadThreadBytes(FakeMallctl);
  EXPECT_EQ(jemalloc_.calls, (std::vector<std::string>{"thread.allocatedp",
                                                       "thread.deallocatedp"}));
}

TEST_F(ReadThreadBytesOf, NothingWithoutAJemalloc) {
  EXPECT_FALSE(ReadThreadBytes(nullptr).has_value());
}

TEST_F(ReadThreadBytesOf, NothingWhereOneCounterIsMissing) {
  for (const char* name : {"thread.allocatedp", "thread.deallocatedp"}) {
    const auto counter = jemalloc_.values.extract(name);
    EXPECT_FALSE(ReadThreadBytes(FakeMallctl).has_value()) << name;
    jemalloc_.values[counter.key()] = counter.mapped();
  }
}

TEST_F(ReadThreadBytesOf, NothingWhereACounterHasAnotherSize) {
  jemalloc_.narrow = "thread.allocatedp";
  EXPECT_FALSE(ReadThreadBytes(FakeMallctl).has_value());
  jemalloc_.narrow.clear();
  jemalloc_.missized = "thread.deallocatedp";
  EXPECT_FALSE(ReadThreadBytes(FakeMallctl).has_value());
}

}  // namespace
}  // namespace jemalloc_exporter
