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
    const auto memory = BreakDownMemory(process);
    if (!memory) continue;
    if (points_.size() >= kMaxProcesses && !points_.contains(key)) continue;
    points_[key].push_back({now, *memory});
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

std::optional<HeapHistory::Time> HeapHistory::Start() const {
  const std::lock_guard lock(mutex_);
  std::optional<Time> start;
  for (const auto& [key, points] : points_) {
    if (points.empty()) continue;
    if (!start || points.front().time < *start) start = points.front().time;
  }
  return start;
}

}  // namespace jemalloc_exporter
