#include "exporter/metrics/process_metrics.h"

#include <gtest/gtest.h>
#include <prometheus/text_serializer.h>

#include "tests/support/golden.h"
#include "tests/support/several_heaps.h"

namespace jemalloc_exporter {
namespace {

std::string Page(const std::vector<Process>& processes) {
  return prometheus::TextSerializer().Serialize(ProcessMetrics(processes));
}

Process Used(pid_t pid, const std::string& comm) {
  Process process;
  process.pid = pid;
  process.comm = comm;
  process.status = ProcessStatus::kUsed;
  process.heap_state = HeapState::test_fixture();
  process.resident_memory_bytes = 3'145'728;
  process.start_time_seconds = 1'700'000'000.5;
  return process;
}

TEST(ProcessMetrics, HaveTheLabelsCommAndPid) {
  Process redis = Used(42, "redis-server");
  redis.cgroup.unit = "redis\\x2dcache.service";
  Process with_hole = Used(43, "named");
  with_hole.heap_state.active_bytes = std::nullopt;
  with_hole.cgroup = {.container_id = std::string(64, 'a'),
                      .pod_uid = "304f6c86-d20b-45aa-95ad-db5edc2e8b43"};
  Process stopped;
  stopped.pid = 44;
  stopped.comm = "varnishd";
  Process unused = Used(45, "bystander");
  unused.status = ProcessStatus::kUnused;
  ExpectGolden(Page({redis, with_hole, stopped, unused}), "processes.txt");
}

TEST(ProcessMetrics, CountEveryStateWithoutProcesses) {
  ExpectGolden(Page({}), "processes_none.txt");
}

TEST(ProcessMetrics, HaveTheLabelPrefixOnlyWhereAProcessHasSeveralHeaps) {
  ExpectGolden(Page({Used(42, "redis-server"), ProcessWithSeveralHeaps()}),
               "processes_heaps.txt");
}

}  // namespace
}  // namespace jemalloc_exporter
