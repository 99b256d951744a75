#ifndef JEMALLOC_EXPORTER_EXPORTER_AGENT_POST_H_
#define JEMALLOC_EXPORTER_EXPORTER_AGENT_POST_H_

#include "exporter/agent/allowed_uids.h"
#include "exporter/agent/wire.h"
#include "jemalloc_exporter/heap_reader.h"

namespace jemalloc_exporter {

/// Where the agent's thread sits: its socket, and what it needs to answer.
///
/// The thread has a table of descriptors to itself, so none of these has a
/// number in the host: a host that closes every descriptor does not reach them,
/// one that counts on the lowest free number gets it even while a connection is
/// open here, and neither a forked child nor an executed program inherits one.
/// Only for the thread that opened it. Allocates nothing, needs libc alone.
class Post {
 public:
  /// Leaves the host's table of descriptors for an empty one and its working
  /// directory for a copy, and listens. False where the kernel refuses: then
  /// the thread must end.
  bool Open();

  /// Answers until somebody sends `kLeave` to the calling thread.
  ///
  /// Waits in poll(2). Once the host has put itself under a further seccomp
  /// filter, it answers nobody: the filter may kill for a call that an answer
  /// takes, which are accept4, getsockopt, geteuid, getpid, read, lseek,
  /// sendto, close, poll, and what jemalloc takes for its statistics. To find
  /// that out takes read alone.
  void Serve(Mallctl* mallctl, const AllowedUids& allowed) const;

  /// The signal that ends `Serve`: the one with which glibc cancels threads. It
  /// is free in a thread that nobody cancels, and no host can wait for it or
  /// send it to the whole process by accident.
  static constexpr int kLeave = 32;

 private:
  bool Receive(Mallctl* mallctl, const AllowedUids& allowed) const;
  void SendAnswer(Mallctl* mallctl, int peer) const;

  int listener_ = -1;
  int leave_ = -1;    // Readable once `kLeave` has come.
  int comm_ = -1;     // The process's name; unreadable without /proc.
  int status_ = -1;   // The process's status; unreadable without /proc.
  int filters_ = -1;  // That the host was under at first.
  char name_[kMaxCommSize + 1] = {};  // That of the thread which made this one.
};

}  // namespace jemalloc_exporter

#endif  // JEMALLOC_EXPORTER_EXPORTER_AGENT_POST_H_
