#ifndef JEMALLOC_EXPORTER_EXPORTER_CLI_PROCESS_SNAPSHOTS_H_
#define JEMALLOC_EXPORTER_EXPORTER_CLI_PROCESS_SNAPSHOTS_H_

#include <sys/types.h>

#include <cstddef>
#include <functional>
#include <set>
#include <utility>
#include <vector>

#include "collector/report/entry_store.h"
#include "exporter/process/process.h"
#include "jemalloc_exporter/heap_report.h"

namespace jemalloc_exporter {

/// The last snapshot of each process, in bounded memory. Not thread-safe.
class ProcessSnapshots {
 public:
  /// Returns whether a process of this pid and start time exists.
  using IsRunning = std::function<bool(pid_t, double start_time_seconds)>;

  /// `max`: the number of processes whose snapshot is kept, besides those that
  /// responded the last time. Of the others, the one with the smallest heap is
  /// evicted, of equals the one that started first.
  explicit ProcessSnapshots(std::size_t max) : entries_(max) {}

  /// Stores the snapshots in `processes`. A process that is unreachable keeps
  /// its previous one.
  void Update(const std::vector<Process>& processes);

  /// A report of `run` with an entry for each process, sorted by name, those of
  /// one name by their start: `running` or `ended`.
  HeapReport ToReport(HeapReportEntry run, const IsRunning& is_running) const;

 private:
  // Pids are reused; no two processes have the same pid and start time.
  using Identity = std::pair<double, pid_t>;

  EntryStore<Identity> entries_;
  std::set<Identity> reachable_;  // The last time.
};

}  // namespace jemalloc_exporter

#endif  // JEMALLOC_EXPORTER_EXPORTER_CLI_PROCESS_SNAPSHOTS_H_
