#include "exporter/metrics/process_metrics.h"

#include <algorithm>
#include <iterator>
#include <string>
#include <utility>

#include "collector/prometheus/details_families.h"
#include "collector/prometheus/heap_families.h"
#include "exporter/metrics/metric_family_builder.h"

namespace jemalloc_exporter {
namespace {

using prometheus::MetricFamily;
using prometheus::MetricType;

Labels LabelsOf(const Process& process) {
  return {{"comm", process.comm}, {"pid", std::to_string(process.pid)}};
}

// A label without a value is absent.
Labels InfoLabelsOf(const Process& process) {
  Labels labels = LabelsOf(process);
  const Cgroup& cgroup = process.cgroup;
  for (auto& [name, value] : Labels{{"unit", cgroup.unit},
                                    {"container_id", cgroup.container_id},
                                    {"pod_uid", cgroup.pod_uid}}) {
    if (!value.empty()) labels.push_back({name, value});
  }
  return labels;
}

// The heaps of all processes.
struct Heaps {
  std::vector<LabelledHeap> states;
  std::vector<LabelledDetails> details;
};

// Where a process has several, they differ by the label `prefix`, which the
// unprefixed one lacks.
void AddHeaps(const Process& process, const Labels& labels, Heaps& heaps) {
  if (process.heaps.empty()) {
    heaps.states.push_back(
        {process.heap_state, process.statistics, process.options, labels});
    heaps.details.push_back({process.details, labels});
  }
  for (const ProcessHeap& heap : process.heaps) {
    Labels of_heap = labels;
    if (!heap.prefix.empty()) of_heap.push_back({"prefix", heap.prefix});
    heaps.states.push_back(
        {heap.heap_state, heap.statistics, heap.options, of_heap});
    heaps.details.push_back({heap.details, of_heap});
  }
}

MetricFamily CountByStatus(const std::vector<Process>& processes) {
  MetricFamily family =
      MakeFamily(MetricType::Gauge, "jemalloc_exporter_processes",
                 "Number of discovered processes, by state");
  for (const ProcessStatus status :
       {ProcessStatus::kUsed, ProcessStatus::kUnused,
        ProcessStatus::kUnreachable}) {
    const auto count = std::count_if(
        processes.begin(), processes.end(),
        [&](const Process& process) { return process.status == status; });
    AddSample(family, static_cast<double>(count),
              {{"state", std::string(ToString(status))}});
  }
  return family;
}

}  // namespace

std::vector<MetricFamily> ProcessMetrics(const std::vector<Process>& processes,
                                         const CollectorSet& collectors) {
  MetricFamily up =
      MakeFamily(MetricType::Gauge, "jemalloc_up",
                 "1 if the process returned its heap statistics, 0 otherwise");
  MetricFamily resident = MakeFamily(
      MetricType::Gauge, "jemalloc_process_resident_memory_bytes",
      "Resident memory of the process in bytes, of the heap and of all else");
  MetricFamily start_time =
      MakeFamily(MetricType::Gauge, "jemalloc_process_start_time_seconds",
                 "Start time of the process in seconds since the Unix epoch");
  MetricFamily info = MakeFamily(
      MetricType::Gauge, "jemalloc_process_info",
      "systemd unit, container and Kubernetes pod of the process; always 1");
  Heaps heaps;
  for (const Process& process : processes) {
    if (process.status == ProcessStatus::kUnused) continue;
    const Labels labels = LabelsOf(process);
    AddHeaps(process, labels, heaps);
    AddSample(up, process.status == ProcessStatus::kUsed ? 1 : 0, labels);
    if (process.resident_memory_bytes) {
      AddSample(resident, static_cast<double>(*process.resident_memory_bytes),
                labels);
    }
    if (process.start_time_seconds) {
      AddSample(start_time, *process.start_time_seconds, labels);
    }
    AddSample(info, 1, InfoLabelsOf(process));
  }
  std::vector<MetricFamily> families =
      HeapFamilies(heaps.states, {.heap = collectors.heap,
                                  .activity = collectors.activity,
                                  .options = collectors.options});
  auto details = DetailsFamilies(heaps.details);
  std::move(details.begin(), details.end(), std::back_inserter(families));
  for (MetricFamily* family : {&up, &resident, &start_time, &info}) {
    families.push_back(std::move(*family));
  }
  std::erase_if(families,
                [](const MetricFamily& f) { return f.metric.empty(); });
  families.push_back(CountByStatus(processes));
  return families;
}

}  // namespace jemalloc_exporter
