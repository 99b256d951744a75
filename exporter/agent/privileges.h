#ifndef JEMALLOC_EXPORTER_EXPORTER_AGENT_PRIVILEGES_H_
#define JEMALLOC_EXPORTER_EXPORTER_AGENT_PRIVILEGES_H_

#include <cstdint>

#include "exporter/agent/host_status.h"

namespace jemalloc_exporter {

/// The privileges of the agent's thread. Linux keeps credentials for each
/// thread, so capset(2) in the host does not reach them. Allocates nothing.
class Privileges {
 public:
  /// Sets no_new_privs, and removes all supplementary groups and all
  /// capabilities but CAP_SETUID and CAP_SETGID.
  ///
  /// These two remain as long as the host has them: glibc's setuid(3) makes the
  /// system call in each thread, and aborts the process unless all results are
  /// equal.
  void DropAtStart();

  /// Removes what the host's main thread no longer has. Capabilities are
  /// compared with its permitted set, which it can raise from at any time. Once
  /// it cannot regain CAP_SETUID, its user and group ids are adopted, too: it
  /// may have changed them for its own thread only. An unread status (without
  /// /proc) changes nothing.
  void Adopt(const HostStatus& host);

  /// Whether the thread had a capability after the last call.
  bool any() const { return permitted_ != 0; }

 private:
  std::uint64_t permitted_ = 0;
};

}  // namespace jemalloc_exporter

#endif  // JEMALLOC_EXPORTER_EXPORTER_AGENT_PRIVILEGES_H_
