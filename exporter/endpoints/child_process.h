#ifndef JEMALLOC_EXPORTER_EXPORTER_ENDPOINTS_CHILD_PROCESS_H_
#define JEMALLOC_EXPORTER_EXPORTER_ENDPOINTS_CHILD_PROCESS_H_

#include <chrono>
#include <cstddef>
#include <functional>
#include <string>
#include <vector>

namespace jemalloc_exporter {

/// When a child process is killed.
struct ChildLimits {
  std::chrono::steady_clock::time_point deadline;
  std::size_t max_output_bytes = 0;
  /// Whether its output is of no use any more; called about every 100 ms.
  std::function<bool()> is_abandoned = [] { return false; };
};

/// How a child process ended.
struct ChildResult {
  enum class End { kExited, kKilled, kDeadline, kTooMuchOutput, kAbandoned };

  End end = End::kKilled;
  int exit_status = 0;  ///< Of `kExited`.
  std::string output;   ///< stdout, complete where it has exited.
  std::string error;    ///< stderr, at most 4 KiB.
};

/// Runs `program` with these arguments until it ends, its stdin empty. Of this
/// process it has the environment without variables for its command line, its
/// malloc and its symbols: JEMALLOC_EXPORTER_*, MALLOC_CONF, LD_PRELOAD and
/// DEBUGINFOD_*. It has no signal blocked or ignored, and no other descriptor.
///
/// Blocks. Thread-safe. Throws std::system_error where it cannot be started,
/// and std::bad_alloc; no child remains then.
ChildResult RunChild(const std::string& program,
                     const std::vector<std::string>& arguments,
                     const ChildLimits& limits);

}  // namespace jemalloc_exporter

#endif  // JEMALLOC_EXPORTER_EXPORTER_ENDPOINTS_CHILD_PROCESS_H_
