#ifndef JEMALLOC_EXPORTER_EXPORTER_AGENT_CLIENT_PROFILE_SOCKETS_H_
#define JEMALLOC_EXPORTER_EXPORTER_AGENT_CLIENT_PROFILE_SOCKETS_H_

#include <sys/types.h>

#include <set>

#include "exporter/agent_client/namespace_pid_cache.h"
#include "exporter/process/process.h"

namespace jemalloc_exporter {

/// The sockets for heap profiles in this network namespace, as of the
/// construction. Not thread-safe; throws std::bad_alloc only.
class ProfileSockets {
 public:
  ProfileSockets();

  /// Whether a socket is named for process `pid`. Does not connect, since that
  /// requests a profile: a name may be another process's, which
  /// `ReadAgentProfile` detects.
  bool Has(pid_t pid);

  /// The same; false where the pid of the process is not verified.
  bool Has(const Process& process);

  bool empty() const { return names_.empty(); }

 private:
  std::set<pid_t> names_;  // Pids in the processes' own pid namespaces.
  NamespacePidCache namespaces_;
};

}  // namespace jemalloc_exporter

#endif  // JEMALLOC_EXPORTER_EXPORTER_AGENT_CLIENT_PROFILE_SOCKETS_H_
