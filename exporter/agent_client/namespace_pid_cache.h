#ifndef JEMALLOC_EXPORTER_EXPORTER_AGENT_CLIENT_NAMESPACE_PID_CACHE_H_
#define JEMALLOC_EXPORTER_EXPORTER_AGENT_CLIENT_NAMESPACE_PID_CACHE_H_

#include <sys/types.h>

#include <map>
#include <optional>

namespace jemalloc_exporter {

/// Maps pids to those in the processes' own pid namespaces. Each pid is read
/// from /proc once: a hostile process may have thousands of sockets. Entries do
/// not expire, so one object must not outlive a poll. Not thread-safe.
class NamespacePidCache {
 public:
  /// Returns the pid of `pid` in its own, innermost, pid namespace; absent when
  /// it has ended or /proc is unreadable. Source: NSpid in /proc/PID/status.
  std::optional<pid_t> NamespacePid(pid_t pid);

 private:
  std::map<pid_t, std::optional<pid_t>> known_;
};

}  // namespace jemalloc_exporter

#endif  // JEMALLOC_EXPORTER_EXPORTER_AGENT_CLIENT_NAMESPACE_PID_CACHE_H_
