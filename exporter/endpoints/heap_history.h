#ifndef JEMALLOC_EXPORTER_EXPORTER_ENDPOINTS_HEAP_HISTORY_H_
#define JEMALLOC_EXPORTER_EXPORTER_ENDPOINTS_HEAP_HISTORY_H_

#include <sys/types.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <tuple>
#include <vector>

#include "exporter/process/process.h"

namespace jemalloc_exporter {

/// The heaps of the last minutes, as they were seen whenever somebody asked:
/// nothing is read for the history's own sake. Bounded: one point every
/// `kSpacing` at most, none older than `kSpan`, no more than `kMaxProcesses`
/// processes. Thread-safe.
class HeapHistory {
 public:
  using Time = std::chrono::steady_clock::time_point;

  static constexpr std::chrono::minutes kSpan{10};
  static constexpr std::chrono::seconds kSpacing{2};
  static constexpr std::size_t kMaxProcesses = 100;

  struct Point {
    Time time;
    std::uint64_t allocated_bytes;
    std::uint64_t resident_bytes;

    friend bool operator==(const Point&, const Point&) = default;
  };

  /// Adds what was seen at `now`, forgets the processes that were not.
  void Record(const std::vector<Process>& processes, Time now);

  /// The points of a process, the oldest first.
  std::vector<Point> Of(const Process& process) const;

 private:
  // Containers of a pod each have a process 1, and a number is used again.
  using Key = std::tuple<pid_t, std::string, std::optional<double>>;
  static Key KeyOf(const Process& process);

  mutable std::mutex mutex_;
  Time last_record_{};
  std::map<Key, std::deque<Point>> points_;
};

}  // namespace jemalloc_exporter

#endif  // JEMALLOC_EXPORTER_EXPORTER_ENDPOINTS_HEAP_HISTORY_H_
