#ifndef JEMALLOC_EXPORTER_EXPORTER_AGENT_CLIENT_PROCESS_FILTER_H_
#define JEMALLOC_EXPORTER_EXPORTER_AGENT_CLIENT_PROCESS_FILTER_H_

#include <sys/types.h>

#include <functional>
#include <optional>
#include <set>

#include "exporter/agent/protocol.h"
#include "exporter/agent_client/namespace_pid_cache.h"

namespace jemalloc_exporter {

/// Which processes are polled. No connection is made to any other agent, with
/// one exception: see `AgentPoller`.
struct ProcessFilter {
  /// Whether to poll the process with this pid, in the pid namespace of the
  /// caller. Empty: every process. Must be thread-safe, and may read /proc: it
  /// is called for candidates only, and its result is cached.
  std::function<bool(pid_t)> includes;
  /// With `includes`: whether to poll processes whose pid the kernel cannot
  /// verify; `includes` is then given the pid in the socket's name.
  bool includes_unverified = false;

  /// Whether to poll this process.
  bool Includes(pid_t pid) const { return !includes || includes(pid); }

  /// Whether the process that listens on a socket is the one that the socket is
  /// named for, and is to be polled. `kernel_pid` as in `VerifyPeer`, as is the
  /// result.
  std::optional<bool> Verify(const AgentAddress& name, pid_t kernel_pid,
                             NamespacePidCache& namespaces) const;

  /// Of `pids`, those that an included process has in its own pid namespace,
  /// where that is not the one of the caller. Reads /proc of every process.
  std::set<pid_t> FindNested(const std::set<pid_t>& pids) const;
};

}  // namespace jemalloc_exporter

#endif  // JEMALLOC_EXPORTER_EXPORTER_AGENT_CLIENT_PROCESS_FILTER_H_
