#ifndef JEMALLOC_EXPORTER_EXPORTER_PROCESS_PROCESS_H_
#define JEMALLOC_EXPORTER_EXPORTER_PROCESS_PROCESS_H_

#include <sys/types.h>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "exporter/process/cgroup.h"
#include "jemalloc_exporter/heap_details.h"
#include "jemalloc_exporter/heap_options.h"
#include "jemalloc_exporter/heap_reader.h"
#include "jemalloc_exporter/heap_state.h"
#include "jemalloc_exporter/heap_statistics.h"

namespace jemalloc_exporter {

/// The result of querying a process for its heap statistics.
enum class ProcessStatus {
  kUsed,         ///< The process allocates from its jemalloc.
  kUnused,       ///< jemalloc is linked, but nothing is allocated from it.
  kUnreachable,  ///< No valid response in time, see `AgentPoller`.
};

/// Returns `used`, `unused` or `unreachable`.
std::string_view ToString(ProcessStatus status);

/// One heap of a process that has several jemallocs.
struct ProcessHeap {
  /// What is before the names of its functions; empty for the unprefixed one.
  /// No two heaps of a process have the same.
  std::string prefix;
  /// Source: jemalloc(3), `version`.
  std::string jemalloc_version;
  bool used = false;
  /// Empty unless `used`. Statistics and options are also empty where they were
  /// not read: an agent of an older version, or ptrace(2).
  HeapState heap_state;
  HeapStatistics statistics = {};
  HeapOptions options = {};
  /// The requested sets; null without them.
  std::shared_ptr<const HeapDetails> details = nullptr;

  HeapSnapshot snapshot() const {
    return {heap_state, used, statistics, options};
  }
};

/// A process with jemalloc, as of one poll.
struct Process {
  pid_t pid = 0;
  /// Whether `pid` is from the process itself, because its pid namespace is not
  /// visible from here. A process with this pid here is another one.
  bool pid_is_unverified = false;
  /// At most 15 characters of valid UTF-8. Source: /proc/PID/stat; from the
  /// agent where `pid_is_unverified`, empty without a response then.
  std::string comm;
  /// Source: jemalloc(3), `version`; of the first heap. Empty without a
  /// response.
  std::string jemalloc_version;
  ProcessStatus status = ProcessStatus::kUnreachable;
  /// The kernel's state letter, see proc(5); `?` where it is unknown.
  char kernel_state = '?';
  /// Empty unless `kUsed`. With several heaps the sum of the used ones: fields
  /// that one of them lacks are absent.
  HeapState heap_state;
  HeapStatistics statistics;
  /// Those of the heap; empty where the process has several.
  HeapOptions options;
  /// All heaps where the process has several, else empty.
  std::vector<ProcessHeap> heaps;
  /// The requested sets of the heap; null without them, and with several heaps.
  std::shared_ptr<const HeapDetails> details;
  /// Source: /proc/PID/stat; absent where /proc does not show the process.
  std::optional<std::uint64_t> resident_memory_bytes;
  /// Since the Unix epoch. Source and absence as above.
  std::optional<double> start_time_seconds;
  /// Empty where `pid_is_unverified`.
  Cgroup cgroup;
  /// Whether a socket for heap profiles in this network namespace is named for
  /// the process. The name may be another process's, which `ReadAgentProfile`
  /// detects. False where `pid_is_unverified`.
  bool has_profile_socket = false;

  HeapSnapshot snapshot() const {
    return {heap_state, status == ProcessStatus::kUsed, statistics, options};
  }
};

/// Returns the sum of the used heaps, as in `Process::heap_state`. Sums stop at
/// 2^64 - 1.
HeapState SumOfHeaps(const std::vector<ProcessHeap>& heaps);
HeapStatistics SumOfStatistics(const std::vector<ProcessHeap>& heaps);

/// Returns the calling process, with the requested sets. Thread-safe; throws
/// std::bad_alloc only.
Process ReadThisProcess(HeapDetailSets requested = {});

}  // namespace jemalloc_exporter

#endif  // JEMALLOC_EXPORTER_EXPORTER_PROCESS_PROCESS_H_
