#ifndef JEMALLOC_EXPORTER_EXPORTER_ATTACH_ATTACH_H_
#define JEMALLOC_EXPORTER_EXPORTER_ATTACH_ATTACH_H_

#include <sys/types.h>

#include <chrono>
#include <string>

namespace jemalloc_exporter {

/// What was done to a process.
struct Attachment {
  enum class Action { kNone, kLoaded, kStarted, kStopped };
  /// kNone: the agent was running, or for `Detach` was not.
  Action action = Action::kNone;
  std::string comm;
  pid_t thread = 0;  ///< The thread that made the calls; 0 with kNone.
  std::chrono::steady_clock::duration stopped_time{};
};

/// Loads the agent into a running process; afterwards the process is served as
/// if it had been preloaded. If it was loaded before, only starts its thread.
///
/// A waiting thread is stopped with ptrace(2) and calls dlopen(3) with a copy
/// of the file `agent` in memory, so that other users and mount namespaces can
/// load it. The agent's socket is the proof of success. Its thread does not
/// keep the scheduling policy, priority and affinity of that thread. Throws
/// AttachError where that is not safe, or fails. x86-64 only.
Attachment Attach(pid_t pid, const std::string& agent);

/// Ends the agent's thread, and with it its socket. The agent remains mapped.
/// Traces nothing. Throws AttachError.
Attachment Detach(pid_t pid);

}  // namespace jemalloc_exporter

#endif  // JEMALLOC_EXPORTER_EXPORTER_ATTACH_ATTACH_H_
