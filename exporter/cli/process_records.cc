#include "exporter/cli/process_records.h"

#include <algorithm>

namespace jemalloc_exporter {
namespace {

HeapRecord ToRecord(const Process& process) {
  HeapRecord record;
  record.name = process.comm;
  record.after = process.heap_state;
  if (const auto& allocated = process.heap_state.allocated_bytes) {
    record.heap_growth_bytes = static_cast<std::int64_t>(*allocated);
  }
  return record;
}

}  // namespace

void ProcessRecords::Take(const std::vector<Process>& processes) {
  ++look_;
  for (const Process& process : processes) {
    if (process.status == ProcessStatus::kUnreachable) continue;
    // Without it, the process ended before /proc was asked.
    if (!process.start_time_seconds) continue;
    processes_[{*process.start_time_seconds, process.pid}] = {ToRecord(process),
                                                              look_};
  }
  while (processes_.size() > max_ && ForgetSmallest()) {
  }
}

HeapSidecar ProcessRecords::ToSidecar(HeapRecord run,
                                      const IsRunning& is_running) const {
  HeapSidecar sidecar{std::move(run), {}, forgotten_};
  for (const auto& [identity, seen] : processes_) {
    const auto& [start_time, pid] = identity;
    HeapRecord& record = sidecar.tests.emplace_back(seen.record);
    record.result = is_running(pid, start_time) ? "running" : "ended";
  }
  std::stable_sort(
      sidecar.tests.begin(), sidecar.tests.end(),
      [](const auto& a, const auto& b) { return a.name < b.name; });
  return sidecar;
}

// One that runs would be back with the next look. False if all do.
bool ProcessRecords::ForgetSmallest() {
  auto smallest = processes_.end();
  for (auto it = processes_.begin(); it != processes_.end(); ++it) {
    if (it->second.look == look_) continue;
    if (smallest == processes_.end() ||
        it->second.record.heap_growth_bytes <
            smallest->second.record.heap_growth_bytes) {
      smallest = it;
    }
  }
  if (smallest == processes_.end()) return false;
  processes_.erase(smallest);
  ++forgotten_;
  return true;
}

}  // namespace jemalloc_exporter
