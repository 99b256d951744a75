#ifndef JEMALLOC_EXPORTER_EXPORTER_ENDPOINTS_HEAP_HISTORY_H_
#define JEMALLOC_EXPORTER_EXPORTER_ENDPOINTS_HEAP_HISTORY_H_

#include <sys/types.h>

#include <chrono>
#include <cstddef>
#include <deque>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <tuple>
#include <vector>

#include "exporter/endpoints/memory_breakdown.h"
#include "exporter/process/process.h"

namespace jemalloc_exporter {

/// The memory of processes in the last minutes, recorded with each scrape and
/// each landing page: nothing is read for the history alone. Bounded: at most
/// one point per `kSpacing`, none older than `kSpan`, at most `kMaxProcesses`
/// processes. Thread-safe.
class HeapHistory {
 public:
  using Time = std::chrono::steady_clock::time_point;

  static constexpr std::chrono::minutes kSpan{10};
  static constexpr std::chrono::seconds kSpacing{4};
  static constexpr std::size_t kMaxProcesses = 100;

  struct Point {
    Time time;
    MemoryBreakdown memory;

    friend bool operator==(const Point&, const Point&) = default;
  };

  /// Adds a point for each process whose memory is known. Removes the history
  /// of every process that is not in `processes`.
  void Record(const std::vector<Process>& processes, Time now);

  /// The points of a process, the oldest first.
  std::vector<Point> Of(const Process& process) const;

  /// The time of the oldest point of all processes; absent without points.
  std::optional<Time> Start() const;

 private:
  // A pid is not unique: each container of a pod can have a process 1, and the
  // kernel reuses numbers.
  using Key = std::tuple<pid_t, std::string, std::optional<double>>;
  static Key KeyOf(const Process& process);

  mutable std::mutex mutex_;
  Time last_record_{};
  std::map<Key, std::deque<Point>> points_;
};

}  // namespace jemalloc_exporter

#endif  // JEMALLOC_EXPORTER_EXPORTER_ENDPOINTS_HEAP_HISTORY_H_
