#ifndef JEMALLOC_EXPORTER_EXPORTER_AGENT_CLIENT_PID_NAMESPACES_H_
#define JEMALLOC_EXPORTER_EXPORTER_AGENT_CLIENT_PID_NAMESPACES_H_

#include <sys/types.h>

#include <map>
#include <optional>

namespace jemalloc_exporter {

/// By which pids processes know themselves. Remembers what it has looked up, so
/// that a process with thousands of sockets costs one look.
class PidNamespaces {
 public:
  /// The pid of `pid` in its own pid namespace, the innermost of those it is
  /// in; absent where /proc does not show it.
  std::optional<pid_t> InnermostPid(pid_t pid);

 private:
  std::map<pid_t, std::optional<pid_t>> known_;
};

}  // namespace jemalloc_exporter

#endif  // JEMALLOC_EXPORTER_EXPORTER_AGENT_CLIENT_PID_NAMESPACES_H_
