#include "exporter/endpoints/memory_charts.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace jemalloc_exporter {
namespace {

using std::chrono::minutes;
using testing::HasSubstr;
using testing::Not;

constexpr HeapHistory::Time kNow{std::chrono::hours(1)};
constexpr std::uint64_t kMiB = 1 << 20;

TEST(MemoryBar, HasASegmentForEachUseThatOccurs) {
  EXPECT_EQ(
      MemoryBar({{3 * kMiB, 0, 0, 0, kMiB, 0, 0}}),
      R"x(<svg viewBox="0 0 100 1" preserveAspectRatio="none" role="img" )x"
      R"x(aria-label="Live data: 3.0 MiB (75 %), )x"
      R"x(Kept by jemalloc: 1.0 MiB (25 %)">)x"
      R"x(<rect class="live" x="0.00" width="75.00" height="1">)x"
      R"x(<title>Live data: 3.0 MiB (75 %)</title></rect>)x"
      R"x(<rect class="retained" x="75.00" width="25.00" height="1">)x"
      R"x(<title>Kept by jemalloc: 1.0 MiB (25 %)</title></rect></svg>)x");
}

TEST(MemoryBar, IsEmptyWithoutMemory) {
  EXPECT_THAT(MemoryBar({}), Not(HasSubstr("<rect")));
}

TEST(MemoryPlot, StacksUsesFromTheStartToNow) {
  EXPECT_EQ(
      MemoryPlot({{kNow - minutes(2), {{0, 0, 0, 0, 2 * kMiB, 0, 0}}},
                  {kNow - minutes(1), {{kMiB, 0, 0, 0, 3 * kMiB, 0, 0}}},
                  {kNow, {{2 * kMiB, 0, 0, 0, 2 * kMiB, 0, 0}}}},
                 kNow - minutes(4), kNow),
      R"x(<svg viewBox="0 0 600 100" preserveAspectRatio="none" role="img" )x"
      R"x(aria-label="Memory over time, at most 4.0 MiB">)x"
      R"x(<polygon class="retained" points=")x"
      R"x(300,100 300,50 450,0 600,0 600,100"/>)x"
      R"x(<polygon class="live" points=")x"
      R"x(300,100 300,100 450,75 600,50 600,100"/></svg>)x");
}

TEST(MemoryPlot, IsEmptyWithFewerThanTwoPoints) {
  EXPECT_EQ(MemoryPlot({}, kNow - minutes(1), kNow), "");
  EXPECT_EQ(MemoryPlot({{kNow, {}}}, kNow - minutes(1), kNow), "");
}

TEST(MemoryPlot, IsEmptyWithoutTime) {
  EXPECT_EQ(MemoryPlot({{kNow, {}}, {kNow, {}}}, kNow, kNow), "");
}

TEST(MemoryPlot, HasNoAreaIfEverythingIsZero) {
  EXPECT_THAT(MemoryPlot({{kNow - minutes(1), {}}, {kNow, {}}},
                         kNow - minutes(1), kNow),
              Not(HasSubstr("<polygon")));
}

}  // namespace
}  // namespace jemalloc_exporter
