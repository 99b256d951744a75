#ifndef JEMALLOC_EXPORTER_EXPORTER_ATTACH_STOPPED_THREAD_H_
#define JEMALLOC_EXPORTER_EXPORTER_ATTACH_STOPPED_THREAD_H_

#include <sys/types.h>
#include <sys/user.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "exporter/attach/real_time_priority.h"
#include "exporter/attach/signal_frame.h"

namespace jemalloc_exporter {

/// Why a traced thread stopped.
enum class StopReason {
  kInterrupt,     ///< `Interrupt` was called.
  kSystemEntry,   ///< It is about to make a system call.
  kSystemReturn,  ///< A system call has returned.
  kGroupStop,     ///< SIGSTOP or a like signal stops its process.
  kSignal,        ///< A signal is about to be delivered: see `signal`.
  kTimeout,       ///< It has not stopped.
  kEnded          ///< It does not exist any more.
};

/// A thread that is traced with ptrace(2), and no other thread of its process.
/// No signal is sent to it and no breakpoint is set: a signal that the kernel
/// forces on a thread that blocks or ignores it resets the handler.
///
/// While an object exists, the calling thread blocks all signals and has a
/// real-time priority where that is allowed: being descheduled, it would stop
/// the other process longer. Only for the thread that created it.
class StoppedThread {
 public:
  using Clock = std::chrono::steady_clock;

  /// `errno_value` is set to the error of ptrace(2), or to 0.
  /// `suspend_seccomp`: filters do not apply while the thread is traced, which
  /// needs CAP_SYS_ADMIN.
  StoppedThread(pid_t thread, bool suspend_seccomp, int* errno_value);
  StoppedThread(const StoppedThread&) = delete;
  StoppedThread& operator=(const StoppedThread&) = delete;
  /// Lets the thread go on as it is. If it is not stopped, the kernel does so
  /// when the calling process ends.
  ~StoppedThread();

  pid_t thread() const { return thread_; }

  /// Requests a stop; the thread stops by `Wait` with `kInterrupt`.
  void Interrupt() const;

  /// Continues up to the next system call or its return, without a signal.
  /// False if the thread has ended.
  bool Continue(int signal = 0);

  /// Continues up to a signal or `Interrupt`. False if the thread has ended.
  bool ContinueFreely();

  /// The stop, if there is one now.
  std::optional<StopReason> CheckStop();

  /// Waits for the next stop.
  StopReason Wait(Clock::time_point deadline);

  /// Of the last `kSignal`.
  int signal() const { return signal_; }

  /// False if the thread has ended.
  bool ReadState(ThreadState* state) const;
  std::optional<user_regs_struct> ReadRegisters() const;
  bool WriteRegisters(const user_regs_struct& registers) const;
  bool WriteExtended(const std::vector<std::byte>& extended) const;
  bool WriteSignalMask(std::uint64_t mask) const;

  /// Stops tracing, and lets the thread go on, with a signal if it is not 0.
  void Detach(int signal = 0);

  /// The time since the thread was first seen stopped.
  Clock::duration stopped_time() const;

 private:
  bool Resume(int request, int signal);
  std::optional<StopReason> Poll();
  StopReason Classify(int status);

  pid_t thread_;
  bool is_traced_ = false;
  bool is_stopped_ = false;
  int signal_ = 0;
  int vain_polls_ = 0;  // In a row.
  std::optional<Clock::time_point> stopped_at_;
  std::optional<Clock::time_point> detached_at_;
  std::uint64_t saved_mask_ = 0;
  std::optional<RealTimePriority> priority_;
};

}  // namespace jemalloc_exporter

#endif  // JEMALLOC_EXPORTER_EXPORTER_ATTACH_STOPPED_THREAD_H_
