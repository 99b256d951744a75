#include "exporter/endpoints/heap_history.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace jemalloc_exporter {
namespace {

using std::chrono::seconds;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::SizeIs;

constexpr HeapHistory::Time kStart{std::chrono::hours(1)};

Process ProcessOf(pid_t pid) {
  Process process;
  process.pid = pid;
  return process;
}

Process ProcessWith(pid_t pid, std::uint64_t allocated) {
  Process process = ProcessOf(pid);
  process.status = ProcessStatus::kUsed;
  process.heap_state.allocated_bytes = allocated;
  return process;
}

HeapHistory::Point PointOf(HeapHistory::Time time, std::uint64_t allocated) {
  return {time, BreakDownMemory(ProcessWith(1, allocated)).value()};
}

TEST(HeapHistory, HasThePointsOfAProcessInOrder) {
  HeapHistory history;
  history.Record({ProcessWith(7, 1), ProcessWith(8, 2)}, kStart);
  history.Record({ProcessWith(7, 3), ProcessWith(8, 4)}, kStart + seconds(5));
  EXPECT_THAT(history.Of(ProcessOf(7)),
              ElementsAre(PointOf(kStart, 1), PointOf(kStart + seconds(5), 3)));
}

TEST(HeapHistory, IsEmptyForAnUnknownProcess) {
  EXPECT_THAT(HeapHistory().Of(ProcessOf(7)), IsEmpty());
}

TEST(HeapHistory, SeparatesEqualPidsOfTwoContainers) {
  HeapHistory history;
  Process other = ProcessWith(1, 2);
  other.comm = "other";
  history.Record({ProcessWith(1, 1), other}, kStart);
  EXPECT_THAT(history.Of(ProcessOf(1)), ElementsAre(PointOf(kStart, 1)));
  EXPECT_THAT(history.Of(other), ElementsAre(PointOf(kStart, 2)));
}

TEST(HeapHistory, SkipsPointsWithinTheSpacing) {
  HeapHistory history;
  history.Record({ProcessWith(7, 1)}, kStart);
  history.Record({ProcessWith(7, 2)},
                 kStart + HeapHistory::kSpacing - std::chrono::milliseconds(1));
  EXPECT_THAT(history.Of(ProcessOf(7)), SizeIs(1));
  history.Record({ProcessWith(7, 2)}, kStart + HeapHistory::kSpacing);
  EXPECT_THAT(history.Of(ProcessOf(7)), SizeIs(2));
}

TEST(HeapHistory, RemovesPointsOlderThanTheSpan) {
  HeapHistory history;
  history.Record({ProcessWith(7, 1)}, kStart);
  history.Record({ProcessWith(7, 2)}, kStart + seconds(60));
  const auto now = kStart + HeapHistory::kSpan + seconds(1);
  history.Record({ProcessWith(7, 3)}, now);
  EXPECT_THAT(history.Of(ProcessOf(7)),
              ElementsAre(PointOf(kStart + seconds(60), 2), PointOf(now, 3)));
}

TEST(HeapHistory, RemovesProcessesThatHaveEnded) {
  HeapHistory history;
  history.Record({ProcessWith(7, 1)}, kStart);
  history.Record({ProcessWith(8, 1)}, kStart + seconds(5));
  EXPECT_THAT(history.Of(ProcessOf(7)), IsEmpty());
}

TEST(HeapHistory, SeparatesAReusedPid) {
  Process earlier = ProcessWith(7, 1);
  earlier.start_time_seconds = 1;
  Process later = ProcessWith(7, 2);
  later.start_time_seconds = 2;
  HeapHistory history;
  history.Record({earlier}, kStart);
  history.Record({later}, kStart + seconds(5));
  EXPECT_THAT(history.Of(earlier), IsEmpty());
  EXPECT_THAT(history.Of(later), SizeIs(1));
}

TEST(HeapHistory, HasNoPointWhileAProcessIsUnreachable) {
  HeapHistory history;
  history.Record({ProcessWith(7, 1)}, kStart);
  history.Record({ProcessOf(7)}, kStart + seconds(5));
  EXPECT_THAT(history.Of(ProcessOf(7)), SizeIs(1));
}

TEST(HeapHistory, LimitsTheNumberOfProcesses) {
  HeapHistory history;
  std::vector<Process> processes;
  for (pid_t pid = 1; pid <= 1000; ++pid) {
    processes.push_back(ProcessWith(pid, 1));
  }
  history.Record(processes, kStart);
  EXPECT_THAT(history.Of(ProcessOf(HeapHistory::kMaxProcesses)), SizeIs(1));
  EXPECT_THAT(history.Of(ProcessOf(HeapHistory::kMaxProcesses + 1)), IsEmpty());
}

TEST(HeapHistory, StartsAtTheOldestPointOfAllProcesses) {
  HeapHistory history;
  EXPECT_EQ(history.Start(), std::nullopt);
  history.Record({ProcessWith(7, 1)}, kStart);
  history.Record({ProcessWith(7, 1), ProcessWith(8, 1)}, kStart + seconds(60));
  EXPECT_EQ(history.Start(), kStart);
  history.Record({ProcessWith(8, 1)}, kStart + seconds(120));
  EXPECT_EQ(history.Start(), kStart + seconds(60));
}

}  // namespace
}  // namespace jemalloc_exporter
