#include "exporter/cli/process_snapshots.h"

#include <algorithm>
#include <cstdint>
#include <optional>

namespace jemalloc_exporter {
namespace {

std::optional<std::int64_t> ToSigned(
    const std::optional<std::uint64_t>& value) {
  if (!value) return std::nullopt;
  return static_cast<std::int64_t>(*value);
}

HeapReportEntry ToEntry(const Process& process) {
  HeapReportEntry entry;
  entry.name = process.comm;
  entry.after = process.heap_state;
  entry.heap_growth_bytes = ToSigned(process.heap_state.allocated_bytes);
  entry.small_allocations = ToSigned(process.statistics.small_requests);
  entry.large_allocations = ToSigned(process.statistics.large_requests);
  return entry;
}

}  // namespace

void ProcessSnapshots::Update(const std::vector<Process>& processes) {
  std::set<Identity> reachable;
  for (const Process& process : processes) {
    if (process.status == ProcessStatus::kUnreachable) continue;
    // Without it, the process ended before /proc was read.
    if (!process.start_time_seconds) continue;
    const Identity identity{*process.start_time_seconds, process.pid};
    entries_.Put(identity, ToEntry(process));
    reachable.insert(identity);
  }
  for (const Identity& identity : reachable_) {
    if (!reachable.contains(identity)) entries_.MarkEnded(identity);
  }
  reachable_ = std::move(reachable);
  entries_.EvictExcess();
}

HeapReport ProcessSnapshots::ToReport(HeapReportEntry run,
                                      const IsRunning& is_running) const {
  HeapReport report{std::move(run), {}, entries_.evicted()};
  entries_.ForEach(
      [&](const Identity& identity, const HeapReportEntry& stored) {
        const auto& [start_time, pid] = identity;
        HeapReportEntry& entry = report.entries.emplace_back(stored);
        entry.result = is_running(pid, start_time) ? kRunning : "ended";
      });
  std::stable_sort(
      report.entries.begin(), report.entries.end(),
      [](const auto& a, const auto& b) { return a.name < b.name; });
  return report;
}

}  // namespace jemalloc_exporter
