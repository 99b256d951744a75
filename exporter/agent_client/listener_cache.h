#ifndef JEMALLOC_EXPORTER_EXPORTER_AGENT_CLIENT_LISTENER_CACHE_H_
#define JEMALLOC_EXPORTER_EXPORTER_AGENT_CLIENT_LISTENER_CACHE_H_

#include <sys/types.h>

#include <chrono>
#include <map>
#include <optional>
#include <vector>

#include "exporter/agent_client/agent_discovery.h"
#include "exporter/process/cgroup.h"
#include "exporter/process/proc_stat.h"

namespace jemalloc_exporter {

/// How long the control group of a process is reported after it was read, for
/// sockets with an even inode number. Half as long for the others, so that one
/// poll does not read all of them again.
inline constexpr std::chrono::seconds kMaxListenerAge{60};

/// The process that called listen(2) on a socket, as it was read from /proc.
struct Listener {
  pid_t pid = 0;
  /// The pid and this time identify a process.
  double start_time_seconds = 0;
  Cgroup cgroup;
  std::chrono::steady_clock::time_point read_at;

  /// Whether `stat`, read later for `stat_pid`, is of this process, running.
  bool IsRunning(pid_t stat_pid, const ProcStat& stat) const {
    return stat_pid == pid && stat.start_time_seconds == start_time_seconds &&
           !IsEnding(stat);
  }
};

/// The listeners of sockets. Not thread-safe.
class ListenerCache {
 public:
  using Clock = std::chrono::steady_clock;

  void Set(const AgentSocket& socket, const Listener& listener);

  /// Absent when it is not known, or was read too long before `now`.
  std::optional<Listener> Find(const AgentSocket& socket,
                               Clock::time_point now) const;

  /// Discards those of other sockets than `listed`, which is ordered.
  void Retain(const std::vector<AgentSocket>& listed);

 private:
  std::map<AgentSocket, Listener> listeners_;
};

}  // namespace jemalloc_exporter

#endif  // JEMALLOC_EXPORTER_EXPORTER_AGENT_CLIENT_LISTENER_CACHE_H_
