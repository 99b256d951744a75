#ifndef JEMALLOC_EXPORTER_EXPORTER_ATTACH_BORROWED_THREAD_H_
#define JEMALLOC_EXPORTER_EXPORTER_ATTACH_BORROWED_THREAD_H_

#include <sys/types.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "exporter/attach/remote_calls.h"
#include "exporter/attach/remote_code.h"
#include "exporter/attach/signal_frame.h"
#include "exporter/attach/stopped_thread.h"
#include "exporter/attach/target_process.h"

namespace jemalloc_exporter {

/// A waiting thread of another process that makes calls for this one, and then
/// waits on.
///
/// Only this thread is stopped: the others go on and release the locks that a
/// call needs. The calls run on a stack of their own, with all signals blocked
/// but those of faults. If the tracer is killed, a call in progress completes
/// and returns through a signal frame. A call that is abandoned or raises a
/// fault is left: the thread has gone on as if it had not been made.
class BorrowedThread {
 public:
  enum class Status {
    kBorrowed,
    kNotWaiting,       ///< It has left the call that it waited in.
    kInSignalHandler,  ///< Below a signal handler's frame.
    kOtherImage,       ///< The process has executed another program.
    kGroupStop,        ///< The process is being stopped.
    kNotAllowed,       ///< Tracing is not permitted.
    kNoStack,          ///< No memory for a stack can be mapped.
    kEnded
  };

  /// Stops the thread; see `status` for the result. `target` and `code` must
  /// outlive the object.
  BorrowedThread(const TargetProcess& target, const RemoteCode& code,
                 pid_t thread);
  BorrowedThread(const BorrowedThread&) = delete;
  BorrowedThread& operator=(const BorrowedThread&) = delete;
  /// As `Release`.
  ~BorrowedThread();

  Status status() const { return status_; }

  using Arguments = RemoteCalls::Arguments;

  /// See `RemoteCalls`.
  std::optional<std::int64_t> CallSystem(std::int64_t number,
                                         const Arguments& arguments);
  CallResult Call(std::uint64_t function, const Arguments& arguments);
  std::optional<std::uint64_t> CallForPointer(std::uint64_t function,
                                              const Arguments& arguments);
  CallResult CallInTurn(std::uint64_t function,
                        const std::vector<Arguments>& calls);

  /// Whether `CallInTurn` may be used. Not where the wait would restart from
  /// its start, nor where a filter would apply if the tracer were killed.
  bool can_call_in_turn() const {
    return !has_seccomp_ && !HasRestartData(state_.registers.rax);
  }

  /// The result of the last call.
  CallResult result() const {
    return calls_ ? calls_->result() : CallResult::kReturned;
  }

  /// `kDataBytes` writable bytes for arguments and results.
  std::uint64_t data() const { return stack_; }
  static constexpr std::size_t kDataBytes = 8192;

  pid_t thread() const { return thread_.thread(); }

  /// Whether seccomp is active in the thread, and was suspended.
  bool has_seccomp() const { return has_seccomp_; }

  /// Unmaps the stack, restores the thread and lets it wait on.
  void Release();

  /// For how long the thread was stopped, or made calls.
  std::chrono::steady_clock::duration stopped_time() const {
    return thread_.stopped_time();
  }

 private:
  using Clock = StoppedThread::Clock;

  Status Stop();
  Status CheckWait() const;
  bool IsInSignalHandler(std::uint64_t stack_pointer) const;
  bool MapStack();
  void LeaveUnreturned();
  void Restore();

  const TargetProcess& target_;
  const RemoteCode& code_;
  bool has_seccomp_;
  int seize_error_ = 0;  // Before `thread_`, whose constructor sets it.
  StoppedThread thread_;
  std::optional<RemoteCalls> calls_;  // Absent until the wait is checked.
  Status status_ = Status::kBorrowed;
  ThreadState state_;
  std::uint64_t own_frame_ = 0;  // On the thread's stack.
  std::size_t own_frame_bytes_ = 0;
  std::uint64_t stack_ = 0;                   // 0 until it is mapped.
  std::uint64_t stack_frame_ = 0;             // On the mapped stack.
  bool is_interrupted_ = false;               // And not yet restored.
  std::optional<std::uint64_t> call_number_;  // That the thread waits in.
  std::uint64_t errno_address_ = 0;
  int errno_value_ = 0;
};

}  // namespace jemalloc_exporter

#endif  // JEMALLOC_EXPORTER_EXPORTER_ATTACH_BORROWED_THREAD_H_
