#include "exporter/endpoints/process_columns.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/support/sample_processes.h"

namespace jemalloc_exporter {
namespace {

using testing::ElementsAre;

Process ProcessOf(pid_t pid, const std::string& comm,
                  std::optional<std::uint64_t> rss) {
  Process process = ProcessWithStatus(pid, comm, ProcessStatus::kUnreachable);
  process.resident_memory_bytes = rss;
  return process;
}

std::vector<pid_t> Sorted(const std::string& query) {
  std::vector<Process> processes = {
      ProcessOf(1, "b", 10), ProcessOf(2, "c", std::nullopt),
      ProcessOf(3, "a", 30), ProcessOf(4, "a", 20)};
  SortProcesses(processes, ParseProcessOrder(query));
  std::vector<pid_t> pids;
  for (const Process& process : processes) pids.push_back(process.pid);
  return pids;
}

TEST(ProcessOrder, IsDescendingRssByDefault) {
  EXPECT_THAT(Sorted(""), ElementsAre(3, 4, 1, 2));
}

TEST(ProcessOrder, HasProcessesWithoutAValueLastInBothDirections) {
  EXPECT_THAT(Sorted("sort=rss&order=asc"), ElementsAre(1, 4, 3, 2));
  EXPECT_THAT(Sorted("sort=rss&order=desc"), ElementsAre(3, 4, 1, 2));
}

TEST(ProcessOrder, IsAscendingByDefaultForNames) {
  EXPECT_THAT(Sorted("sort=process"), ElementsAre(3, 4, 1, 2));
  EXPECT_THAT(Sorted("sort=process&order=desc"), ElementsAre(2, 1, 3, 4));
}

TEST(ProcessOrder, KeepsTheOrderOfEqualProcesses) {
  EXPECT_THAT(Sorted("sort=arenas"), ElementsAre(1, 2, 3, 4));
}

TEST(ProcessOrder, IgnoresUnknownKeysAndValues) {
  const ProcessOrder by_default;
  for (const char* const query :
       {"sort=", "sort=nothing", "sort", "order=up", "&&=&", "sort=%72ss",
        "xsort=live", "sorts=live"}) {
    EXPECT_EQ(ParseProcessOrder(query), by_default) << query;
  }
}

TEST(ProcessOrder, IsFoundBetweenOtherParameters) {
  EXPECT_EQ(ParseProcessOrder("a=b&sort=live&refresh=off&order=asc"),
            (ProcessOrder{.key = "live", .descending = false}));
}

TEST(ProcessColumns, HaveTheDifferencesOfTheStatistics) {
  Process process = ProcessOf(1, "a", 100);
  process.heap_state.allocated_bytes = 10;
  process.heap_state.active_bytes = 30;
  process.heap_state.resident_bytes = 60;
  process.heap_state.mapped_bytes = 200;
  process.heap_state.narenas = 9;
  std::vector<std::uint64_t> values;
  for (const ProcessColumn& column : ProcessColumns()) {
    values.push_back(column.value(process).value());
  }
  EXPECT_THAT(values, ElementsAre(100, 10, 20, 30, 40, 200, 9));
}

TEST(ProcessColumns, AreNeverNegative) {
  Process process = ProcessOf(1, "a", 1);
  process.heap_state.allocated_bytes = 4;
  process.heap_state.active_bytes = 3;
  process.heap_state.resident_bytes = 2;
  std::vector<std::uint64_t> values;
  for (const ProcessColumn& column : ProcessColumns()) {
    values.push_back(column.value(process).value_or(0));
  }
  EXPECT_THAT(values, ElementsAre(1, 4, 0, 0, 0, 0, 0));
}

}  // namespace
}  // namespace jemalloc_exporter
