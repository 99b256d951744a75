#ifndef JEMALLOC_EXPORTER_EXPORTER_CLI_PROCESS_RECORDS_H_
#define JEMALLOC_EXPORTER_EXPORTER_CLI_PROCESS_RECORDS_H_

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <utility>
#include <vector>

#include "exporter/process/process.h"
#include "jemalloc_exporter/heap_sidecar.h"

namespace jemalloc_exporter {

/// The last snapshot of each process that has been seen, in bounded memory. Not
/// thread-safe.
class ProcessRecords {
 public:
  /// Whether there is a process of this number that started then.
  using IsRunning = std::function<bool(pid_t, double start_time_seconds)>;

  /// Remembers `max` processes, and all that answered the last time. When there
  /// are more, the one whose heap was smallest is forgotten, of equals the one
  /// that started first.
  explicit ProcessRecords(std::size_t max) : max_(max) {}

  /// Takes over what processes have answered. Who does not answer keeps the
  /// snapshot that he has.
  void Take(const std::vector<Process>& processes);

  /// A sidecar of the run with a record of each process, sorted by name, those
  /// of one name by their start: `running` or `ended`.
  HeapSidecar ToSidecar(HeapRecord run, const IsRunning& is_running) const;

 private:
  // Numbers are used again; no two of the same start at the same time.
  using Identity = std::pair<double, pid_t>;
  struct Seen {
    HeapRecord record;
    std::uint64_t look = 0;
  };

  bool ForgetSmallest();

  std::size_t max_;
  std::map<Identity, Seen> processes_;
  std::uint64_t look_ = 0;
  std::uint64_t forgotten_ = 0;
};

}  // namespace jemalloc_exporter

#endif  // JEMALLOC_EXPORTER_EXPORTER_CLI_PROCESS_RECORDS_H_
