#ifndef JEMALLOC_EXPORTER_EXPORTER_AGENT_POST_H_
#define JEMALLOC_EXPORTER_EXPORTER_AGENT_POST_H_

#include <string_view>

#include "exporter/agent/allowed_uids.h"
#include "exporter/agent/fork_checks.h"
#include "exporter/agent/host_status.h"
#include "exporter/agent/privileges.h"
#include "exporter/agent/wire.h"
#include "jemalloc_exporter/heap_reader.h"

namespace jemalloc_exporter {

/// The server in the agent's thread: one socket, and the files that a response
/// is made from.
///
/// The thread has a table of descriptors of its own, so none of these has a
/// number in the host: a host that closes every descriptor does not reach them,
/// one that counts on the lowest free number gets it even while a connection is
/// open here, and neither a forked child nor an executed program inherits one.
/// Only for the thread that opened it. Allocates nothing, needs libc alone.
class Post {
 public:
  /// Drops the privileges that the server does not need, leaves the host's
  /// table of descriptors and its working directory, and listens. False where
  /// the kernel refuses: then the thread must end.
  bool Open();

  /// Responds until `kStopSignal` is sent to the calling thread without a
  /// request in `forks`, or the host's other threads have ended.
  ///
  /// Waits in poll(2). Each time it returns, and at intervals, the main
  /// thread's status is read, which takes read(2) alone. Privileges that it no
  /// longer shows are dropped. Once it shows a further seccomp filter, no
  /// request is served any more: the filter may kill for a call that a response
  /// takes.
  void Serve(Mallctl* mallctl, const AllowedUids& allowed, ForkChecks* forks);

  /// The number of seccomp filters that the host had first.
  int initial_filters() const { return initial_filters_; }

 private:
  // kPause: without a further system call until the thread is stopped. kClose:
  // the same, without the socket.
  enum class Next { kServe, kPause, kClose, kEnd };

  Next Check(bool is_signalled, ForkChecks* forks, HostStatus* host);
  void LengthenCheckInterval();
  bool Receive(Mallctl* mallctl, const AllowedUids& allowed,
               std::string_view name) const;
  void SendAnswer(Mallctl* mallctl, std::string_view name, int peer) const;

  Privileges privileges_;
  int listener_ = -1;
  int signal_ = -1;  // Readable once `kStopSignal` has come.
  int status_ = -1;  // The main thread's status; unreadable without /proc.
  int initial_filters_ = HostStatus::kUnknown;
  int check_interval_ms_ = 0;
  char name_[kMaxCommSize + 1] = {};  // That of the thread which made this one.
};

}  // namespace jemalloc_exporter

#endif  // JEMALLOC_EXPORTER_EXPORTER_AGENT_POST_H_
