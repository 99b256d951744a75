#include "exporter/endpoints/heap_history.h"

#include <set>

namespace jemalloc_exporter {

HeapHistory::Key HeapHistory::KeyOf(const Process& process) {
  return {process.pid, process.comm, process.start_time_seconds};
}

void HeapHistory::Record(const std::vector<Process>& processes, Time now) {
  const std::lock_guard lock(mutex_);
  if (!points_.empty() && now - last_record_ < kSpacing) return;
  last_record_ = now;

  std::set<Key> seen;
  for (const Process& process : processes) {
    const Key key = KeyOf(process);
    seen.insert(key);
    const auto& allocated = process.heap_state.allocated_bytes;
    const auto& resident = process.heap_state.resident_bytes;
    if (!allocated || !resident) continue;
    if (points_.size() >= kMaxProcesses && !points_.contains(key)) continue;
    points_[key].push_back({now, *allocated, *resident});
  }
  std::erase_if(points_,
                [&](const auto& entry) { return !seen.contains(entry.first); });
  for (auto& [key, points] : points_) {
    while (!points.empty() && now - points.front().time > kSpan) {
      points.pop_front();
    }
  }
}

std::vector<HeapHistory::Point> HeapHistory::Of(const Process& process) const {
  const std::lock_guard lock(mutex_);
  const auto found = points_.find(KeyOf(process));
  if (found == points_.end()) return {};
  return {found->second.begin(), found->second.end()};
}

}  // namespace jemalloc_exporter
