#ifndef JEMALLOC_EXPORTER_EXPORTER_AGENT_FORK_CHECKS_H_
#define JEMALLOC_EXPORTER_EXPORTER_AGENT_FORK_CHECKS_H_

#include <pthread.h>
#include <sys/types.h>

#include <atomic>

namespace jemalloc_exporter {

/// Decides before a fork whether the child may make the agent's system calls.
///
/// Each call is safe under the seccomp filters that the host had when the agent
/// was loaded. A filter installed later may kill for any of them, and a child
/// inherits the filters of the thread that forks. Their number is in that
/// thread's status file only. Neither the child nor the forking thread can open
/// it: a filter may forbid that, and the host could count on the number of the
/// descriptor. So the forking thread requests the check from the agent's
/// thread, which has other filters and descriptors, and waits for the result.
///
/// The forking thread makes no system call for this but getpid, tgkill and,
/// where the result is late, futex; its child makes none. Once the agent's
/// thread has read another number, the forking thread makes none, either.
class ForkChecks {
 public:
  /// Starts anew, with `thread` as the thread that checks: in a process that
  /// has no check under way.
  void Reset(pid_t process, pid_t thread, int initial_filters);

  /// In the forking thread, before the fork: requests a check and awaits its
  /// result for a second at most.
  void Prepare();

  /// In the same thread afterwards, in the parent or in the child: true if the
  /// number of filters was read and is the initial one. No system call.
  bool Finish();

  /// In the agent's thread, for each signal: false if no check was requested.
  bool TakeRequest();

  /// In the agent's thread, where the main thread has the initial number of
  /// filters: completes all requests.
  void CompleteAll();

  /// Ends all checks, those under way without a result. No system call.
  void Disable() { is_disabled_ = true; }

 private:
  enum Result : int { kPending, kAwaited, kUnchanged, kChanged };

  // A thread that forks at the moment; free while `tid` is 0.
  struct Fork {
    std::atomic<pid_t> tid;
    std::atomic<pthread_t> thread;
    std::atomic<int> result;
  };

  // More threads that fork at the same time have children without agent.
  static constexpr int kMaxForks = 8;

  static void Await(Fork* fork, const std::atomic<bool>& is_disabled);

  Fork forks_[kMaxForks] = {};
  std::atomic<int> requests_ = 0;
  std::atomic<bool> is_disabled_ = true;
  pid_t process_ = 0;
  pid_t checker_ = 0;
  int initial_filters_ = 0;
};

}  // namespace jemalloc_exporter

#endif  // JEMALLOC_EXPORTER_EXPORTER_AGENT_FORK_CHECKS_H_
