#include "exporter/cli/process_table.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "tests/support/sample_processes.h"

namespace jemalloc_exporter {
namespace {

Process Used(pid_t pid, const std::string& comm, std::uint64_t allocated) {
  Process process = UsedProcess(pid, comm);
  process.heap_state.allocated_bytes = allocated;
  return process;
}

Process InState(ProcessStatus status) {
  return ProcessWithStatus(7, "named", status);
}

Process In(Process process, const Cgroup& cgroup) {
  process.cgroup = cgroup;
  return process;
}

TEST(ProcessTable, EndsWithTheUnitOrTheContainer) {
  EXPECT_EQ(
      ProcessTable(
          {In(Used(1, "redis", 1'024), {.unit = "redis.service"}),
           In(Used(2, "named", 1'024), {.container_id = std::string(64, 'a')}),
           Used(3, "sh", 1'024), InState(ProcessStatus::kUnused)}),
      "PID COMM  ALLOCATED  ACTIVE RESIDENT  MAPPED     RSS ARENAS UNIT\n"
      "1   redis   1.0 KiB 1.0 MiB  2.0 MiB 4.0 MiB 3.0 MiB     64 "
      "redis.service\n"
      "2   named   1.0 KiB 1.0 MiB  2.0 MiB 4.0 MiB 3.0 MiB     64 "
      "aaaaaaaaaaaa\n"
      "3   sh      1.0 KiB 1.0 MiB  2.0 MiB 4.0 MiB 3.0 MiB     64 -\n"
      "7   named does not use its jemalloc\n");
}

TEST(ProcessTable, AlignsItsColumns) {
  EXPECT_EQ(
      ProcessTable({Used(42, "redis-server", 524'288),
                    Used(123'456, "héros", 1'023ULL << 40)}),
      "PID    COMM          ALLOCATED  ACTIVE RESIDENT  MAPPED     RSS ARENAS\n"
      "42     redis-server  512.0 KiB 1.0 MiB  2.0 MiB 4.0 MiB 3.0 MiB     64\n"
      "123456 héros        1023.0 TiB 1.0 MiB  2.0 MiB 4.0 MiB 3.0 MiB     "
      "64\n");
}

TEST(ProcessTable, HasADashForAbsentValues) {
  Process process = Used(42, "redis", 524'288);
  process.heap_state.active_bytes = std::nullopt;
  process.heap_state.narenas = std::nullopt;
  process.resident_memory_bytes = std::nullopt;
  EXPECT_EQ(ProcessTable({process}),
            "PID COMM  ALLOCATED ACTIVE RESIDENT  MAPPED RSS ARENAS\n"
            "42  redis 512.0 KiB      -  2.0 MiB 4.0 MiB   -      -\n");
}

TEST(ProcessTable, HasAStatusInsteadOfNumbers) {
  EXPECT_EQ(ProcessTable({InState(ProcessStatus::kUnreachable),
                          InState(ProcessStatus::kUnused)}),
            "PID COMM  ALLOCATED ACTIVE RESIDENT MAPPED RSS ARENAS\n"
            "7   named does not respond\n"
            "7   named does not use its jemalloc\n");
}

TEST(ProcessTable, HasTheChangeSinceThePreviousPoll) {
  const std::vector<Process> before = {Used(1, "grew", 1 << 20),
                                       Used(2, "shrank", 3 << 20),
                                       Used(3, "other", 1 << 20)};
  EXPECT_EQ(
      ProcessTable({Used(1, "grew", 3 << 20), Used(2, "shrank", 1 << 20),
                    Used(3, "new", 1 << 20)},
                   &before),
      "PID COMM   ALLOCATED   CHANGE  ACTIVE RESIDENT  MAPPED     RSS ARENAS\n"
      "1   grew     3.0 MiB +2.0 MiB 1.0 MiB  2.0 MiB 4.0 MiB 3.0 MiB     64\n"
      "2   shrank   1.0 MiB -2.0 MiB 1.0 MiB  2.0 MiB 4.0 MiB 3.0 MiB     64\n"
      "3   new      1.0 MiB        - 1.0 MiB  2.0 MiB 4.0 MiB 3.0 MiB     "
      "64\n");
}

TEST(ProcessTable, DropsTheLastColumnsToFit) {
  const std::vector<Process> processes = {Used(42, "redis", 524'288),
                                          InState(ProcessStatus::kUnused)};
  EXPECT_EQ(ProcessTable(processes, nullptr, {.width = 32}),
            "PID COMM  ALLOCATED  ACTIVE\n"
            "42  redis 512.0 KiB 1.0 MiB\n"
            "7   named does not use its jemal\n");
  EXPECT_EQ(ProcessTable(processes, nullptr, {.width = 27}),
            "PID COMM  ALLOCATED  ACTIVE\n"
            "42  redis 512.0 KiB 1.0 MiB\n"
            "7   named does not use its \n");
  EXPECT_EQ(ProcessTable({Used(42, "redis", 524'288)}, nullptr, {.width = 1}),
            "PID COMM  ALLOCATED\n"
            "42  redis 512.0 KiB\n");
}

TEST(ProcessTable, CountsTheProcessesThatDoNotFit) {
  const std::vector<Process> processes(4, InState(ProcessStatus::kUnused));
  const std::string heading =
      "PID COMM  ALLOCATED ACTIVE RESIDENT MAPPED RSS ARENAS\n";
  const std::string line = "7   named does not use its jemalloc\n";
  EXPECT_EQ(ProcessTable(processes, nullptr, {.lines = 5}),
            heading + line + line + line + line);
  EXPECT_EQ(ProcessTable(processes, nullptr, {.lines = 4}),
            heading + line + line + "and 2 more\n");
  EXPECT_EQ(ProcessTable(processes, nullptr, {.lines = 1}),
            "PID COMM ALLOCATED ACTIVE RESIDENT MAPPED RSS ARENAS\n"
            "and 4 more\n");
}

TEST(ProcessTable, HasALineForEachOfSeveralHeaps) {
  EXPECT_EQ(
      ProcessTable({ProcessWithSeveralHeaps()}),
      "PID COMM                ALLOCATED  ACTIVE RESIDENT  MAPPED RSS ARENAS\n"
      "46  duckdb                3.5 MiB 5.0 MiB  4.0 MiB       -   -    128\n"
      "      mallctl           512.0 KiB 1.0 MiB  2.0 MiB 4.0 MiB   -     64\n"
      "      duckdb_je_mallctl   3.0 MiB 4.0 MiB  2.0 MiB       -   -     64\n"
      "      _rjem_mallctl     unused\n");
}

TEST(ProcessTable, CountsTheLinesOfHeapsToo) {
  const std::vector<Process> processes = {Used(1, "a", 1),
                                          ProcessWithSeveralHeaps()};
  const auto lines = [&](std::size_t limit) {
    const std::string table =
        ProcessTable(processes, nullptr, {.lines = limit});
    return std::count(table.begin(), table.end(), '\n');
  };
  EXPECT_EQ(lines(6), 6);
  EXPECT_EQ(lines(5), 3);  // And the number of processes that are not shown.
}

}  // namespace
}  // namespace jemalloc_exporter
