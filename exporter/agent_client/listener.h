#ifndef JEMALLOC_EXPORTER_EXPORTER_AGENT_CLIENT_LISTENER_H_
#define JEMALLOC_EXPORTER_EXPORTER_AGENT_CLIENT_LISTENER_H_

#include <sys/types.h>

#include <chrono>

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

  /// Whether the control group is reported at `now`, for this socket.
  bool IsRecent(const AgentSocket& socket,
                std::chrono::steady_clock::time_point now) const {
    return now - read_at <= kMaxListenerAge / (1 + socket.inode % 2);
  }
};

}  // namespace jemalloc_exporter

#endif  // JEMALLOC_EXPORTER_EXPORTER_AGENT_CLIENT_LISTENER_H_
