#ifndef JEMALLOC_EXPORTER_EXPORTER_PROCESS_PROCESS_H_
#define JEMALLOC_EXPORTER_EXPORTER_PROCESS_PROCESS_H_

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "jemalloc_exporter/heap_state.h"

namespace jemalloc_exporter {

/// How a process answered when it was asked for its heap.
enum class ProcessStatus {
  kUsed,         ///< It allocates from jemalloc.
  kUnused,       ///< jemalloc is linked, but nothing allocates from it.
  kUnreachable,  ///< No valid answer in time.
};

/// `used`, `unused`, `unreachable`.
std::string_view ToString(ProcessStatus status);

/// A process on jemalloc, as of one scrape.
struct Process {
  pid_t pid = 0;
  /// Whether `pid` is the process's own word, from a pid namespace that is not
  /// seen from here. Then it says nothing of what has that number here.
  bool pid_is_claimed = false;
  /// The kernel's name of the process, valid UTF-8.
  std::string comm;
  /// jemalloc's version, as it says it; empty where it did not answer.
  std::string jemalloc_version;
  ProcessStatus status = ProcessStatus::kUnreachable;
  /// The kernel's state letter, see proc(5); `?` where it is unknown.
  char kernel_state = '?';
  /// Empty unless `kUsed`.
  HeapState heap_state;
  /// The kernel's own numbers; absent where /proc does not show the process.
  std::optional<std::uint64_t> resident_memory_bytes;
  std::optional<double> start_time_seconds;
};

/// The process that calls. Thread-safe.
Process ReadThisProcess();

}  // namespace jemalloc_exporter

#endif  // JEMALLOC_EXPORTER_EXPORTER_PROCESS_PROCESS_H_
