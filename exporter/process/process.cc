#include "exporter/process/process.h"

#include <unistd.h>

#include <algorithm>
#include <limits>
#include <memory>
#include <utility>

#include "exporter/process/proc_stat.h"
#include "jemalloc_exporter/heap_reader.h"

namespace jemalloc_exporter {

std::string_view ToString(ProcessStatus status) {
  switch (status) {
    case ProcessStatus::kUsed:
      return "used";
    case ProcessStatus::kUnused:
      return "unused";
    case ProcessStatus::kUnreachable:
      break;
  }
  return "unreachable";
}

namespace {

template <typename Rows, typename Values>
Values Sum(const Rows& rows, Values ProcessHeap::*values,
           const std::vector<ProcessHeap>& heaps) {
  Values sum;
  bool is_first = true;
  for (const ProcessHeap& heap : heaps) {
    if (!heap.used) continue;
    for (const auto& row : rows) {
      auto& total = sum.*row.value;
      const auto& value = heap.*values.*row.value;
      if (is_first) {
        total = value;
      } else if (total && value) {
        const std::uint64_t room =
            std::numeric_limits<std::uint64_t>::max() - *total;
        *total += std::min(*value, room);
      } else {
        total = std::nullopt;
      }
    }
    is_first = false;
  }
  return sum;
}

}  // namespace

HeapState SumOfHeaps(const std::vector<ProcessHeap>& heaps) {
  return Sum(kHeapFields, &ProcessHeap::heap_state, heaps);
}

HeapStatistics SumOfStatistics(const std::vector<ProcessHeap>& heaps) {
  return Sum(kHeapStatistics, &ProcessHeap::statistics, heaps);
}

Process ReadThisProcess(HeapDetailSets requested) {
  Process process;
  std::shared_ptr<HeapDetails> details;
  if (requested.any()) details = std::make_shared<HeapDetails>();
  const HeapSnapshot reading =
      requested.any() ? ReadHeapDetails(requested, details.get()) : ReadHeap();
  process.details = std::move(details);
  process.pid = getpid();
  process.status = reading.used ? ProcessStatus::kUsed : ProcessStatus::kUnused;
  process.heap_state = reading.visible_state();
  process.statistics = reading.visible_statistics();
  process.options = reading.visible_options();
  if (const auto stat = ReadProcStat(process.pid)) SetProcStat(*stat, process);
  process.cgroup = ReadCgroup(process.pid);
  return process;
}

}  // namespace jemalloc_exporter
