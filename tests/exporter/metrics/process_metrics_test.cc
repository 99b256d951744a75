#include "exporter/metrics/process_metrics.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <prometheus/text_serializer.h>

#include <iterator>
#include <regex>
#include <set>
#include <string>
#include <vector>

#include "tests/support/golden.h"
#include "tests/support/sample_processes.h"

namespace jemalloc_exporter {
namespace {

using testing::AllOf;
using testing::Contains;
using testing::Not;

std::string Page(const std::vector<Process>& processes) {
  return prometheus::TextSerializer().Serialize(ProcessMetrics(processes));
}

Process Used(pid_t pid, const std::string& comm) {
  Process process = UsedProcess(pid, comm);
  process.statistics = HeapStatistics::test_fixture();
  process.options = HeapOptions::test_fixture();
  process.start_time_seconds = 1'700'000'000.5;
  return process;
}

TEST(ProcessMetrics, HaveTheLabelsOfTheProcessAndItsHeaps) {
  Process redis = Used(42, "redis-server");
  redis.cgroup.unit = "redis\\x2dcache.service";
  Process with_hole = Used(43, "named");
  with_hole.heap_state.active_bytes = std::nullopt;
  with_hole.cgroup = {.container_id = std::string(64, 'a'),
                      .pod_uid = "304f6c86-d20b-45aa-95ad-db5edc2e8b43"};
  with_hole.statistics = {};
  with_hole.options = {};
  Process stopped;
  stopped.pid = 44;
  stopped.comm = "varnishd";
  Process unused = Used(45, "bystander");
  unused.status = ProcessStatus::kUnused;
  // The label prefix is only where a process has several heaps.
  ExpectGolden(
      Page({redis, with_hole, stopped, unused, ProcessWithSeveralHeaps()}),
      "processes.txt");
}

// 5 of the heap state, 31, and 4 of the process.
TEST(ProcessMetrics, HaveAtMost40SeriesOfAProcess) {
  const std::string page = Page({Used(42, "redis-server")});
  const std::regex series("pid=\"42\"");
  EXPECT_EQ(
      std::distance(std::sregex_iterator(page.begin(), page.end(), series),
                    std::sregex_iterator()),
      40);
}

TEST(ProcessMetrics, HaveTheEnabledGroups) {
  const auto names = [](const CollectorSet& collectors) {
    std::set<std::string> names;
    for (const auto& family : ProcessMetrics({Used(42, "a")}, collectors)) {
      names.insert(family.name);
    }
    return names;
  };
  EXPECT_THAT(names({.activity = false, .options = false}),
              AllOf(Contains("jemalloc_allocated_bytes"),
                    Contains("jemalloc_class_allocated_bytes"),
                    Not(Contains("jemalloc_allocations_total")),
                    Not(Contains("jemalloc_options_info"))));
  EXPECT_THAT(names({.activity = true, .options = false}),
              AllOf(Contains("jemalloc_allocations_total"),
                    Not(Contains("jemalloc_options_info"))));
  EXPECT_THAT(names({.activity = false, .options = true}),
              AllOf(Contains("jemalloc_options_info"),
                    Not(Contains("jemalloc_allocations_total"))));
}

TEST(ProcessMetrics, CountEveryStateWithoutProcesses) {
  ExpectGolden(Page({}), "processes_none.txt");
}

}  // namespace
}  // namespace jemalloc_exporter
