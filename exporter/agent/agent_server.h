#ifndef JEMALLOC_EXPORTER_EXPORTER_AGENT_AGENT_SERVER_H_
#define JEMALLOC_EXPORTER_EXPORTER_AGENT_AGENT_SERVER_H_

#include <string_view>

#include "exporter/agent/find_jemalloc.h"
#include "exporter/agent/fork_checks.h"
#include "exporter/agent/host_status.h"
#include "exporter/agent/privileges.h"
#include "exporter/agent/protocol.h"
#include "exporter/agent/uid_allowlist.h"
#include "jemalloc_exporter/heap_details.h"

namespace jemalloc_exporter {

/// The server in the agent's thread: a listening socket and the main thread's
/// status file.
///
/// The thread has a table of descriptors of its own, so none of these has a
/// number in the host: a host that closes every descriptor does not reach them,
/// one that counts on the lowest free number gets it even while a connection is
/// open here, and neither a forked child nor an executed program inherits one.
/// Only for the thread that opened it. Allocates nothing, needs libc only.
class AgentServer {
 public:
  /// Drops privileges, unshares the table of descriptors and the filesystem
  /// context, and listens. False where the kernel refuses one of the last two;
  /// then the thread must end. Unless `profiled` is null, there is a second
  /// socket for its heap profiles; without it if the kernel refuses that.
  bool Open(Mallctl* profiled);

  /// Responds until `kStopSignal` is sent to the calling thread without a
  /// request in `forks`, or the host's other threads have ended.
  ///
  /// Waits in poll(2). Each time it returns, at intervals of at most a minute,
  /// the main thread's status is read, which takes read(2) only. Privileges
  /// that the main thread has dropped are dropped. Once it has a further
  /// seccomp filter, no connection is served: the filter may kill for one of
  /// the system calls of a response.
  void Serve(const Jemallocs& jemallocs, const UidAllowlist& allowed,
             ForkChecks* forks);

  /// The number of seccomp filters that the main thread had at the start.
  int initial_filter_count() const { return initial_filter_count_; }

 private:
  // kPause: no further system call until the thread is stopped. kClose: the
  // same, after closing the socket.
  enum class Next { kServe, kPause, kClose, kEnd };

  Next Check(bool is_signalled, ForkChecks* forks, HostStatus* host);
  void LengthenCheckInterval();
  bool Receive(const Jemallocs& jemallocs, const UidAllowlist& allowed,
               std::string_view name) const;
  bool ReceiveProfile(const UidAllowlist& allowed, std::string_view name) const;
  void SendResponse(const Jemallocs& jemallocs, std::string_view name,
                    HeapDetailSets requested, int peer) const;

  Privileges privileges_;
  int listener_fd_ = -1;
  int profile_listener_fd_ = -1;  // Without `profiled_`.
  Mallctl* profiled_ = nullptr;
  int signal_fd_ = -1;  // Readable while `kStopSignal` is pending.
  int status_fd_ = -1;  // The main thread's status; unreadable without /proc.
  int initial_filter_count_ = HostStatus::kUnknown;
  int check_interval_ms_ = 0;
  char name_[kMaxCommSize + 1] = {};  // Of the creating thread.
};

}  // namespace jemalloc_exporter

#endif  // JEMALLOC_EXPORTER_EXPORTER_AGENT_AGENT_SERVER_H_
