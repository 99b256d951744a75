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

Process ProcessWith(pid_t pid, std::uint64_t allocated,
                    std::uint64_t resident) {
  Process process = ProcessOf(pid);
  process.status = ProcessStatus::kUsed;
  process.heap_state.allocated_bytes = allocated;
  process.heap_state.resident_bytes = resident;
  return process;
}

TEST(HeapHistory, KeepsThePointsOfAProcessInOrder) {
  HeapHistory history;
  history.Record({ProcessWith(7, 1, 10), ProcessWith(8, 2, 20)}, kStart);
  history.Record({ProcessWith(7, 3, 30), ProcessWith(8, 4, 40)},
                 kStart + seconds(5));
  EXPECT_THAT(history.Of(ProcessOf(7)),
              ElementsAre(HeapHistory::Point{kStart, 1, 10},
                          HeapHistory::Point{kStart + seconds(5), 3, 30}));
}

TEST(HeapHistory, HasNoPointsOfAProcessNeverSeen) {
  EXPECT_THAT(HeapHistory().Of(ProcessOf(7)), IsEmpty());
}

TEST(HeapHistory, KeepsTheFirstProcessesOfTwoContainersApart) {
  HeapHistory history;
  Process other = ProcessWith(1, 2, 20);
  other.comm = "other";
  history.Record({ProcessWith(1, 1, 10), other}, kStart);
  EXPECT_THAT(history.Of(ProcessOf(1)),
              ElementsAre(HeapHistory::Point{kStart, 1, 10}));
  EXPECT_THAT(history.Of(other),
              ElementsAre(HeapHistory::Point{kStart, 2, 20}));
}

TEST(HeapHistory, SkipsWhatFollowsTooSoon) {
  HeapHistory history;
  history.Record({ProcessWith(7, 1, 10)}, kStart);
  history.Record({ProcessWith(7, 2, 20)},
                 kStart + HeapHistory::kSpacing - std::chrono::milliseconds(1));
  EXPECT_THAT(history.Of(ProcessOf(7)), SizeIs(1));
  history.Record({ProcessWith(7, 2, 20)}, kStart + HeapHistory::kSpacing);
  EXPECT_THAT(history.Of(ProcessOf(7)), SizeIs(2));
}

TEST(HeapHistory, ForgetsPointsOlderThanItsSpan) {
  HeapHistory history;
  history.Record({ProcessWith(7, 1, 10)}, kStart);
  history.Record({ProcessWith(7, 2, 20)}, kStart + seconds(60));
  const auto now = kStart + HeapHistory::kSpan + seconds(1);
  history.Record({ProcessWith(7, 3, 30)}, now);
  EXPECT_THAT(history.Of(ProcessOf(7)),
              ElementsAre(HeapHistory::Point{kStart + seconds(60), 2, 20},
                          HeapHistory::Point{now, 3, 30}));
}

TEST(HeapHistory, ForgetsAProcessThatIsGone) {
  HeapHistory history;
  history.Record({ProcessWith(7, 1, 10)}, kStart);
  history.Record({ProcessWith(8, 1, 10)}, kStart + seconds(5));
  EXPECT_THAT(history.Of(ProcessOf(7)), IsEmpty());
}

TEST(HeapHistory, TellsAProcessFromAnEarlierOneOfTheSameNumber) {
  Process earlier = ProcessWith(7, 1, 10);
  earlier.start_time_seconds = 1;
  Process later = ProcessWith(7, 2, 20);
  later.start_time_seconds = 2;
  HeapHistory history;
  history.Record({earlier}, kStart);
  history.Record({later}, kStart + seconds(5));
  EXPECT_THAT(history.Of(earlier), IsEmpty());
  EXPECT_THAT(history.Of(later), SizeIs(1));
}

TEST(HeapHistory, LeavesAGapWhereAProcessDoesNotAnswer) {
  HeapHistory history;
  history.Record({ProcessWith(7, 1, 10)}, kStart);
  history.Record({ProcessOf(7)}, kStart + seconds(5));
  EXPECT_THAT(history.Of(ProcessOf(7)), SizeIs(1));
}

TEST(HeapHistory, IsBoundedInProcesses) {
  HeapHistory history;
  std::vector<Process> processes;
  for (pid_t pid = 1; pid <= 1000; ++pid) {
    processes.push_back(ProcessWith(pid, 1, 10));
  }
  history.Record(processes, kStart);
  EXPECT_THAT(history.Of(ProcessOf(HeapHistory::kMaxProcesses)), SizeIs(1));
  EXPECT_THAT(history.Of(ProcessOf(HeapHistory::kMaxProcesses + 1)), IsEmpty());
}

}  // namespace
}  // namespace jemalloc_exporter
