#include "exporter/cli/process_snapshots.h"

#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "tests/support/sample_processes.h"

namespace jemalloc_exporter {
namespace {

constexpr double kStart = 1.7e9;

Process Used(pid_t pid, const std::string& comm, std::uint64_t allocated) {
  Process process = UsedProcess(pid, comm);
  process.heap_state.allocated_bytes = allocated;
  process.start_time_seconds = kStart;
  return process;
}

Process StartedAt(double seconds, Process process) {
  process.start_time_seconds = seconds;
  return process;
}

Process InStatus(ProcessStatus status, Process process) {
  process.status = status;
  process.heap_state = {};
  return process;
}

// Name, result and growth of each entry.
using Lines = std::vector<std::string>;
Lines Of(
    const ProcessSnapshots& snapshots,
    const ProcessSnapshots::IsRunning& is_running = [](pid_t, double) {
      return false;
    }) {
  Lines lines;
  for (const HeapReportEntry& entry :
       snapshots.ToReport({}, is_running).entries) {
    lines.push_back(entry.name + " " + entry.result + " " +
                    (entry.heap_growth_bytes
                         ? std::to_string(*entry.heap_growth_bytes)
                         : "-"));
  }
  return lines;
}

TEST(ProcessSnapshots, HaveTheLastSnapshotOfAProcess) {
  ProcessSnapshots snapshots(9);
  snapshots.Update({Used(7, "redis", 10)});
  snapshots.Update({Used(7, "redis", 30)});
  snapshots.Update({Used(7, "redis", 20)});
  const HeapReport report =
      snapshots.ToReport({}, [](pid_t, double) { return false; });
  ASSERT_EQ(report.entries.size(), 1U);
  HeapState after = HeapState::test_fixture();
  after.allocated_bytes = 20;
  EXPECT_EQ(report.entries[0].after, after);
  EXPECT_EQ(report.entries[0].before, HeapState{});
  EXPECT_EQ(report.entries[0].heap_growth_bytes, 20);
  EXPECT_EQ(report.entries[0].duration_seconds, std::nullopt);
}

TEST(ProcessSnapshots, KeepASnapshotUntilThereIsAnother) {
  ProcessSnapshots snapshots(9);
  snapshots.Update({Used(7, "redis", 10)});
  snapshots.Update(
      {InStatus(ProcessStatus::kUnreachable, Used(7, "redis", 0))});
  snapshots.Update({});
  EXPECT_EQ(Of(snapshots), Lines{"redis ended 10"});
}

TEST(ProcessSnapshots, OmitProcessesThatNeverResponded) {
  ProcessSnapshots snapshots(9);
  snapshots.Update(
      {InStatus(ProcessStatus::kUnreachable, Used(7, "redis", 0))});
  EXPECT_EQ(Of(snapshots), Lines{});
}

TEST(ProcessSnapshots, HaveNoHeapWhereJemallocIsUnused) {
  ProcessSnapshots snapshots(9);
  snapshots.Update({InStatus(ProcessStatus::kUnused, Used(7, "redis", 0))});
  EXPECT_EQ(Of(snapshots), Lines{"redis ended -"});
}

TEST(ProcessSnapshots, HaveTheNameOfTheProgramThatTheProcessBecame) {
  ProcessSnapshots snapshots(9);
  snapshots.Update({Used(7, "sh", 10)});
  snapshots.Update({Used(7, "redis", 20)});
  EXPECT_EQ(Of(snapshots), Lines{"redis ended 20"});
}

TEST(ProcessSnapshots, DistinguishProcessesWithTheSamePid) {
  ProcessSnapshots snapshots(9);
  snapshots.Update({Used(7, "redis", 10)});
  snapshots.Update({StartedAt(kStart + 1, Used(7, "redis", 20))});
  EXPECT_EQ(Of(snapshots), (Lines{"redis ended 10", "redis ended 20"}));
}

TEST(ProcessSnapshots, MarkRunningProcesses) {
  ProcessSnapshots snapshots(9);
  snapshots.Update({Used(7, "redis", 10), Used(8, "named", 20)});
  EXPECT_EQ(
      Of(snapshots,
         [](pid_t pid, double start) { return pid == 8 && start == kStart; }),
      (Lines{"named running 20", "redis ended 10"}));
}

TEST(ProcessSnapshots, AreSortedByNameAndStart) {
  ProcessSnapshots snapshots(9);
  snapshots.Update({StartedAt(kStart + 1, Used(1, "b", 1)),
                    StartedAt(kStart + 2, Used(2, "a", 2)),
                    StartedAt(kStart, Used(3, "b", 3))});
  EXPECT_EQ(Of(snapshots), (Lines{"a ended 2", "b ended 3", "b ended 1"}));
}

TEST(ProcessSnapshots, EvictTheSmallestBeyondTheMaximum) {
  ProcessSnapshots snapshots(2);
  snapshots.Update({Used(1, "a", 20), Used(2, "b", 10),
                    InStatus(ProcessStatus::kUnused, Used(3, "c", 0))});
  snapshots.Update({Used(4, "d", 30)});
  EXPECT_EQ(Of(snapshots), (Lines{"a ended 20", "d ended 30"}));
  HeapReportEntry run;
  run.name = "ctest";
  const HeapReport report =
      snapshots.ToReport(run, [](pid_t, double) { return false; });
  EXPECT_EQ(report.run.name, "ctest");
  EXPECT_EQ(report.entries_evicted, 2U);
}

TEST(ProcessSnapshots, KeepProcessesThatRespond) {
  ProcessSnapshots snapshots(1);
  snapshots.Update({Used(1, "a", 20)});
  snapshots.Update({Used(2, "b", 1), Used(3, "c", 2)});
  snapshots.Update({Used(2, "b", 1), Used(3, "c", 2)});
  EXPECT_EQ(Of(snapshots), (Lines{"b ended 1", "c ended 2"}));
  const HeapReport report =
      snapshots.ToReport({}, [](pid_t, double) { return false; });
  EXPECT_EQ(report.entries_evicted, 1U);
}

}  // namespace
}  // namespace jemalloc_exporter
