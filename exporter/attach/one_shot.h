#ifndef JEMALLOC_EXPORTER_EXPORTER_ATTACH_ONE_SHOT_H_
#define JEMALLOC_EXPORTER_EXPORTER_ATTACH_ONE_SHOT_H_

#include <sys/types.h>

#include <chrono>
#include <string>
#include <vector>

#include "jemalloc_exporter/heap_reader.h"

namespace jemalloc_exporter {

/// A jemalloc of another process, as of one reading.
struct OneShotHeap {
  std::string prefix;            ///< "je_" of `je_mallctl`; mostly empty.
  std::string jemalloc_version;  ///< Begins with a digit.
  HeapSnapshot snapshot;
};

/// A process that was read once.
struct OneShotReading {
  std::string comm;  ///< Valid UTF-8, at most 15 characters.
  pid_t thread = 0;  ///< The thread that made the calls.
  /// For how long that thread was stopped, or made calls.
  std::chrono::steady_clock::duration stopped_time{};
  bool seccomp_was_suspended = false;
  /// At least one. No two have the same prefix.
  std::vector<OneShotHeap> heaps;
};

/// Reads the heaps of a process without the agent, by the rules of `ReadHeap`:
/// one thread that waits in a system call is stopped with ptrace(2), calls
/// mallctl(3), and waits on. Nothing is loaded, and nothing remains.
///
/// The program may be static, of musl, in a container, or under seccomp if the
/// caller has CAP_SYS_ADMIN. Waits up to 2 s for such a thread. Throws
/// AttachError with the reason otherwise. x86-64 only.
OneShotReading ReadHeapOnce(pid_t pid);

}  // namespace jemalloc_exporter

#endif  // JEMALLOC_EXPORTER_EXPORTER_ATTACH_ONE_SHOT_H_
