#include "exporter/attach/stopped_thread.h"

#include <elf.h>
#include <pthread.h>
#include <sys/ptrace.h>
#include <sys/uio.h>
#include <sys/wait.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <ctime>

namespace jemalloc_exporter {
namespace {

// A system call's stop differs from SIGTRAP by this bit: PTRACE_O_TRACESYSGOOD.
constexpr int kSystemCallStop = SIGTRAP | 0x80;

constexpr int kSuspendSeccomp = 1 << 21;  // PTRACE_O_SUSPEND_SECCOMP

// More than the XSAVE area of any processor.
constexpr std::size_t kMaxExtendedBytes = std::size_t{64} * 1024;

// SIGCHLD is pending at each stop. This bounds the delay when it was merged
// with one of another child.
constexpr std::chrono::milliseconds kMaxWait{1};

// An idle processor takes longer to wake than most calls take: a stop is polled
// for this time first. Polling keeps the thread from running where both need
// one processor, and ends where it was in vain this often in a row.
constexpr std::chrono::microseconds kPollingTime{20};
constexpr int kMaxVainPolls = 2;

std::int64_t Trace(int request, pid_t thread, std::uintptr_t address,
                   const void* data) {
  // NOLINTBEGIN(performance-no-int-to-ptr): ptrace(2) takes both as pointers.
  return ptrace(static_cast<__ptrace_request>(request), thread,
                reinterpret_cast<void*>(address), const_cast<void*>(data));
  // NOLINTEND(performance-no-int-to-ptr)
}

const void* ToPointer(std::uintptr_t number) {
  // NOLINTNEXTLINE(performance-no-int-to-ptr)
  return reinterpret_cast<const void*>(number);
}

}  // namespace

StoppedThread::StoppedThread(pid_t thread, bool suspend_seccomp,
                             int* errno_value)
    : thread_(thread) {
  sigset_t all;
  sigfillset(&all);
  sigset_t saved;
  pthread_sigmask(SIG_SETMASK, &all, &saved);
  for (int signal = 1; signal < 64; ++signal) {
    if (sigismember(&saved, signal) == 1) {
      saved_mask_ |= std::uint64_t{1} << (signal - 1);
    }
  }
  priority_.emplace();
  const int options =
      PTRACE_O_TRACESYSGOOD | (suspend_seccomp ? kSuspendSeccomp : 0);
  *errno_value = 0;
  if (Trace(PTRACE_SEIZE, thread, 0,
            ToPointer(static_cast<std::uintptr_t>(options))) != 0) {
    *errno_value = errno;
    return;
  }
  is_traced_ = true;
  Interrupt();
}

StoppedThread::~StoppedThread() {
  Detach();
  priority_.reset();
  sigset_t saved;
  sigemptyset(&saved);
  for (int signal = 1; signal < 64; ++signal) {
    if ((saved_mask_ >> (signal - 1) & 1) != 0) sigaddset(&saved, signal);
  }
  // Of the stops; the default action is to ignore it.
  sigset_t child;
  sigemptyset(&child);
  sigaddset(&child, SIGCHLD);
  constexpr timespec kNow = {};
  if (sigismember(&saved, SIGCHLD) == 0) {
    while (sigtimedwait(&child, nullptr, &kNow) > 0) {
    }
  }
  pthread_sigmask(SIG_SETMASK, &saved, nullptr);
}

void StoppedThread::Interrupt() const {
  Trace(PTRACE_INTERRUPT, thread_, 0, nullptr);
}

bool StoppedThread::Continue(int signal) {
  return Resume(PTRACE_SYSCALL, signal);
}

bool StoppedThread::ContinueFreely() { return Resume(PTRACE_CONT, 0); }

bool StoppedThread::Resume(int request, int signal) {
  is_stopped_ = false;
  if (Trace(request, thread_, 0,
            ToPointer(static_cast<std::uintptr_t>(signal))) == 0) {
    return true;
  }
  is_traced_ = errno != ESRCH;
  return false;
}

std::optional<StopReason> StoppedThread::CheckStop() {
  int status = 0;
  const pid_t found = waitpid(thread_, &status, WNOHANG | __WALL);
  if (found == thread_) return Classify(status);
  if (found == 0 || errno == EINTR) return std::nullopt;
  is_traced_ = false;
  return StopReason::kEnded;
}

std::optional<StopReason> StoppedThread::Poll() {
  if (vain_polls_ == kMaxVainPolls) return std::nullopt;
  const auto end = Clock::now() + kPollingTime;
  do {
    if (const auto reason = CheckStop()) {
      vain_polls_ = 0;
      return reason;
    }
  } while (Clock::now() < end);
  ++vain_polls_;
  return std::nullopt;
}

StopReason StoppedThread::Wait(Clock::time_point deadline) {
  if (const auto reason = Poll()) return *reason;
  sigset_t child;
  sigemptyset(&child);
  sigaddset(&child, SIGCHLD);
  for (;;) {
    if (const auto reason = CheckStop()) return *reason;
    const auto left = deadline - Clock::now();
    if (left <= Clock::duration::zero()) return StopReason::kTimeout;
    const auto wait = std::min<Clock::duration>(left, kMaxWait);
    const timespec time = {
        0, std::chrono::duration_cast<std::chrono::nanoseconds>(wait).count()};
    sigtimedwait(&child, nullptr, &time);
  }
}

StopReason StoppedThread::Classify(int status) {
  if (!WIFSTOPPED(status)) {
    is_traced_ = false;
    return StopReason::kEnded;
  }
  is_stopped_ = true;
  if (!stopped_at_) stopped_at_ = Clock::now();
  const int event = status >> 16;
  const int signal = WSTOPSIG(status);
  if (event == PTRACE_EVENT_STOP) {
    return signal == SIGTRAP ? StopReason::kInterrupt : StopReason::kGroupStop;
  }
  if (signal != kSystemCallStop) {
    signal_ = signal;
    return StopReason::kSignal;
  }
  // Since Linux 5.3. Without it no call is recognised as an entry.
  __ptrace_syscall_info info = {};
  const std::int64_t size =
      Trace(PTRACE_GET_SYSCALL_INFO, thread_, sizeof(info), &info);
  return size > 0 && info.op == PTRACE_SYSCALL_INFO_ENTRY
             ? StopReason::kSystemEntry
             : StopReason::kSystemReturn;
}

bool StoppedThread::ReadState(ThreadState* state) const {
  const auto registers = ReadRegisters();
  if (!registers) return false;
  state->registers = *registers;
  state->extended.resize(kMaxExtendedBytes);
  iovec range = {state->extended.data(), state->extended.size()};
  if (Trace(PTRACE_GETREGSET, thread_, NT_X86_XSTATE, &range) != 0) {
    return false;
  }
  state->extended.resize(range.iov_len);
  return Trace(PTRACE_GETSIGMASK, thread_, sizeof(state->signal_mask),
               &state->signal_mask) == 0;
}

std::optional<user_regs_struct> StoppedThread::ReadRegisters() const {
  user_regs_struct registers = {};
  if (Trace(PTRACE_GETREGS, thread_, 0, &registers) != 0) return std::nullopt;
  return registers;
}

bool StoppedThread::WriteRegisters(const user_regs_struct& registers) const {
  return Trace(PTRACE_SETREGS, thread_, 0, &registers) == 0;
}

bool StoppedThread::WriteExtended(
    const std::vector<std::byte>& extended) const {
  const iovec range = {const_cast<std::byte*>(extended.data()),
                       extended.size()};
  return Trace(PTRACE_SETREGSET, thread_, NT_X86_XSTATE, &range) == 0;
}

bool StoppedThread::WriteSignalMask(std::uint64_t mask) const {
  return Trace(PTRACE_SETSIGMASK, thread_, sizeof(mask), &mask) == 0;
}

void StoppedThread::Detach(int signal) {
  if (is_traced_ && is_stopped_) {
    Trace(PTRACE_DETACH, thread_, 0,
          ToPointer(static_cast<std::uintptr_t>(signal)));
    is_traced_ = false;
  }
  if (stopped_at_ && !detached_at_) detached_at_ = Clock::now();
}

StoppedThread::Clock::duration StoppedThread::stopped_time() const {
  if (!stopped_at_) return {};
  return detached_at_.value_or(Clock::now()) - *stopped_at_;
}

}  // namespace jemalloc_exporter
