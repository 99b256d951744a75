#include "exporter/cli/process_records.h"

#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace jemalloc_exporter {
namespace {

constexpr double kStart = 1.7e9;

Process Used(pid_t pid, const std::string& comm, std::uint64_t allocated) {
  Process process;
  process.pid = pid;
  process.comm = comm;
  process.status = ProcessStatus::kUsed;
  process.heap_state = HeapState::test_fixture();
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
    const ProcessRecords& records, const ProcessRecords::IsRunning& is_running =
                                       [](pid_t, double) { return false; }) {
  Lines lines;
  for (const HeapReportEntry& entry :
       records.ToReport({}, is_running).entries) {
    lines.push_back(entry.name + " " + entry.result + " " +
                    (entry.heap_growth_bytes
                         ? std::to_string(*entry.heap_growth_bytes)
                         : "-"));
  }
  return lines;
}

TEST(ProcessRecords, HaveTheLastSnapshotOfAProcess) {
  ProcessRecords records(9);
  records.Take({Used(7, "redis", 10)});
  records.Take({Used(7, "redis", 30)});
  records.Take({Used(7, "redis", 20)});
  const HeapReport report =
      records.ToReport({}, [](pid_t, double) { return false; });
  ASSERT_EQ(report.entries.size(), 1U);
  HeapState after = HeapState::test_fixture();
  after.allocated_bytes = 20;
  EXPECT_EQ(report.entries[0].after, after);
  EXPECT_EQ(report.entries[0].before, HeapState{});
  EXPECT_EQ(report.entries[0].heap_growth_bytes, 20);
  EXPECT_EQ(report.entries[0].duration_seconds, std::nullopt);
}

TEST(ProcessRecords, KeepASnapshotUntilThereIsAnother) {
  ProcessRecords records(9);
  records.Take({Used(7, "redis", 10)});
  records.Take({InStatus(ProcessStatus::kUnreachable, Used(7, "redis", 0))});
  records.Take({});
  EXPECT_EQ(Of(records), Lines{"redis ended 10"});
}

TEST(ProcessRecords, AreNoneOfWhoNeverAnswered) {
  ProcessRecords records(9);
  records.Take({InStatus(ProcessStatus::kUnreachable, Used(7, "redis", 0))});
  EXPECT_EQ(Of(records), Lines{});
}

TEST(ProcessRecords, HaveNoHeapWhereJemallocIsUnused) {
  ProcessRecords records(9);
  records.Take({InStatus(ProcessStatus::kUnused, Used(7, "redis", 0))});
  EXPECT_EQ(Of(records), Lines{"redis ended -"});
}

TEST(ProcessRecords, HaveTheNameOfTheProgramThatTheProcessBecame) {
  ProcessRecords records(9);
  records.Take({Used(7, "sh", 10)});
  records.Take({Used(7, "redis", 20)});
  EXPECT_EQ(Of(records), Lines{"redis ended 20"});
}

TEST(ProcessRecords, TellProcessesOfOneNumberApart) {
  ProcessRecords records(9);
  records.Take({Used(7, "redis", 10)});
  records.Take({StartedAt(kStart + 1, Used(7, "redis", 20))});
  EXPECT_EQ(Of(records), (Lines{"redis ended 10", "redis ended 20"}));
}

TEST(ProcessRecords, SayWhoStillRuns) {
  ProcessRecords records(9);
  records.Take({Used(7, "redis", 10), Used(8, "named", 20)});
  EXPECT_EQ(
      Of(records,
         [](pid_t pid, double start) { return pid == 8 && start == kStart; }),
      (Lines{"named running 20", "redis ended 10"}));
}

TEST(ProcessRecords, AreSortedByNameAndStart) {
  ProcessRecords records(9);
  records.Take({StartedAt(kStart + 1, Used(1, "b", 1)),
                StartedAt(kStart + 2, Used(2, "a", 2)),
                StartedAt(kStart, Used(3, "b", 3))});
  EXPECT_EQ(Of(records), (Lines{"a ended 2", "b ended 3", "b ended 1"}));
}

TEST(ProcessRecords, ForgetTheSmallestWhenThereAreTooMany) {
  ProcessRecords records(2);
  records.Take({Used(1, "a", 20), Used(2, "b", 10),
                InStatus(ProcessStatus::kUnused, Used(3, "c", 0))});
  records.Take({Used(4, "d", 30)});
  EXPECT_EQ(Of(records), (Lines{"a ended 20", "d ended 30"}));
  HeapReportEntry run;
  run.name = "ctest";
  const HeapReport report =
      records.ToReport(run, [](pid_t, double) { return false; });
  EXPECT_EQ(report.run.name, "ctest");
  EXPECT_EQ(report.entries_evicted, 2U);
}

TEST(ProcessRecords, ForgetNoneThatAnswers) {
  ProcessRecords records(1);
  records.Take({Used(1, "a", 20)});
  records.Take({Used(2, "b", 1), Used(3, "c", 2)});
  records.Take({Used(2, "b", 1), Used(3, "c", 2)});
  EXPECT_EQ(Of(records), (Lines{"b ended 1", "c ended 2"}));
  const HeapReport report =
      records.ToReport({}, [](pid_t, double) { return false; });
  EXPECT_EQ(report.entries_evicted, 1U);
}

}  // namespace
}  // namespace jemalloc_exporter
