#ifndef JEMALLOC_EXPORTER_EXPORTER_ATTACH_REMOTE_CALLS_H_
#define JEMALLOC_EXPORTER_EXPORTER_ATTACH_REMOTE_CALLS_H_

#include <sys/types.h>
#include <sys/user.h>

#include <array>
#include <chrono>
#include <cstdint>
#include <optional>
#include <vector>

#include "exporter/attach/remote_code.h"
#include "exporter/attach/stopped_thread.h"

namespace jemalloc_exporter {

/// How a call in another process ended.
enum class CallResult {
  kReturned,
  /// It waited for a lock that its own thread holds, or that a sleeping thread
  /// holds. The thread is stopped in the wait.
  kAbandoned,
  /// It had not returned in time, and the thread completes it; or the tracer
  /// was late after the last of `CallInTurn`. The thread goes on by itself.
  kUnfinished,
  kFault,  ///< It raised SIGSEGV or a like signal; the thread is stopped there.
  kEnded   ///< The process has ended.
};

/// Calls that a stopped thread of another process makes. Each returns through a
/// signal frame on the stack that it runs on, so a call in progress completes
/// even if the tracer is killed. All signals are blocked but those of faults.
class RemoteCalls {
 public:
  /// A call that waits for a lock is examined after this time, and left within
  /// 250 ms if the lock is not going to be released.
  static constexpr std::chrono::milliseconds kFirstExamination{200};

  /// A call that is not deadlocked, in a thread that competes for a processor,
  /// may take longer. The thread then completes it without the tracer.
  static constexpr std::chrono::milliseconds kCallTimeout{2000};

  /// The same where a filter is suspended, which would apply to the remainder
  /// of the call and may kill.
  static constexpr std::chrono::milliseconds kFilteredCallTimeout{30000};

  using Arguments = std::array<std::uint64_t, 6>;

  /// `registers`: those of the thread before the first call. `code` and
  /// `thread` must outlive the object.
  RemoteCalls(pid_t pid, const RemoteCode& code,
              const user_regs_struct& registers,
              std::chrono::milliseconds timeout, StoppedThread* thread);

  /// Makes a system call with the stack pointer at a signal frame; returns its
  /// result, `-errno` for an error. Absent once a call has not returned.
  std::optional<std::int64_t> CallSystem(std::uint64_t frame,
                                         std::int64_t number,
                                         const Arguments& arguments);

  /// Calls a function that returns through memory. After a result other than
  /// kReturned, no further call is made.
  CallResult Call(std::uint64_t frame, std::uint64_t function,
                  const Arguments& arguments);

  /// As `Call`, several times: each call returns through a signal frame that
  /// makes the next, so the thread does not stop between. At the end it waits
  /// 100 ms for the tracer, then returns through `frame`. rt_sigreturn(2)
  /// discards the data of `HasRestartData`. `stack`: the lowest address.
  CallResult CallInTurn(std::uint64_t stack, std::uint64_t frame,
                        std::uint64_t function,
                        const std::vector<Arguments>& calls);

  /// Calls a function that returns a pointer.
  std::optional<std::uint64_t> CallForPointer(std::uint64_t frame,
                                              std::uint64_t function,
                                              const Arguments& arguments);

  /// Stops the thread between two calls. False if it has ended.
  bool Stop();

  /// The result of the last call.
  CallResult result() const { return result_; }

  /// Whether the registers and the signal mask of the thread are changed.
  bool has_begun() const { return has_begun_; }

  /// Whether a system call of these was interrupted, so that the kernel has
  /// lost its data for the restart of an earlier one.
  bool was_interrupted() const { return was_interrupted_; }

 private:
  using Clock = StoppedThread::Clock;

  user_regs_struct FunctionRegisters(std::uint64_t stack_pointer,
                                     std::uint64_t function,
                                     const Arguments& arguments) const;
  user_regs_struct SystemCallRegisters(std::uint64_t frame, std::int64_t number,
                                       const Arguments& arguments) const;
  static std::uint64_t CallMask();
  static bool IsFault(int signal);
  bool Prepare(user_regs_struct* registers);
  bool Start(user_regs_struct registers);
  StopReason Advance(Clock::time_point deadline);
  bool IsStopOfProcess(StopReason reason) const;
  StopReason PassStop(StopReason reason, Clock::time_point deadline);
  std::optional<StopReason> AwaitMark(std::uint64_t mark,
                                      Clock::time_point deadline);
  bool HasGoneOn(StopReason stop, const user_regs_struct& registers,
                 std::uint64_t stack, std::uint64_t frame) const;
  void LeaveGoneOn(StopReason stop, const user_regs_struct& registers);
  std::optional<std::uint64_t> AwaitEntry(std::uint64_t stack_pointer,
                                          Clock::time_point start,
                                          std::optional<StopReason> stop);
  std::optional<std::uint64_t> Run(std::uint64_t stack_pointer,
                                   std::uint64_t function,
                                   const Arguments& arguments);
  bool MayGoOn(Clock::time_point deadline);

  pid_t pid_;
  const RemoteCode& code_;
  user_regs_struct registers_;
  std::chrono::milliseconds timeout_;
  StoppedThread& thread_;
  CallResult result_ = CallResult::kReturned;
  bool has_begun_ = false;
  bool is_at_entry_ = false;  // Of a system call.
  bool was_interrupted_ = false;
};

}  // namespace jemalloc_exporter

#endif  // JEMALLOC_EXPORTER_EXPORTER_ATTACH_REMOTE_CALLS_H_
