#include "exporter/attach/remote_calls.h"

#include <linux/futex.h>
#include <sys/syscall.h>

#include <algorithm>
#include <csignal>

#include "exporter/attach/lock_owner.h"
#include "exporter/attach/remote_memory.h"
#include "exporter/attach/signal_frame.h"

namespace jemalloc_exporter {
namespace {

constexpr std::chrono::milliseconds kStopTimeout{500};

// A deadlocked call is left within this time.
constexpr std::chrono::milliseconds kDeadlockTimeout{250};
static_assert(RemoteCalls::kFirstExamination + kDeadlockExamination <=
              kDeadlockTimeout);

// Bits of eflags: a function may expect the direction to be upwards.
constexpr std::uint64_t kDirectionFlag = 0x400;

constexpr std::uint64_t Bit(int signal) {
  return std::uint64_t{1} << (signal - 1);
}

// A fault in a call must be seen here. The kernel resets the handler of one
// that is blocked.
constexpr std::uint64_t kFaults = Bit(SIGSEGV) | Bit(SIGBUS) | Bit(SIGFPE) |
                                  Bit(SIGILL) | Bit(SIGTRAP) | Bit(SIGSYS);

void SetArguments(const RemoteCalls::Arguments& arguments, bool is_function,
                  user_regs_struct* registers) {
  registers->rdi = arguments[0];
  registers->rsi = arguments[1];
  registers->rdx = arguments[2];
  (is_function ? registers->rcx : registers->r10) = arguments[3];
  registers->r8 = arguments[4];
  registers->r9 = arguments[5];
  registers->eflags &= ~kDirectionFlag;
}

}  // namespace

RemoteCalls::RemoteCalls(pid_t pid, const RemoteCode& code,
                         const user_regs_struct& registers,
                         std::chrono::milliseconds timeout,
                         StoppedThread* thread)
    : pid_(pid),
      code_(code),
      registers_(registers),
      timeout_(timeout),
      thread_(*thread) {}

std::uint64_t RemoteCalls::CallMask() { return ~kFaults; }

bool RemoteCalls::IsFault(int signal) { return (kFaults & Bit(signal)) != 0; }

// The registers are changed before the mask: at any time between, the thread
// can go on by itself. A system call at whose entry the thread stopped is
// skipped: its number is set to -1.
bool RemoteCalls::Prepare(user_regs_struct* registers) {
  registers->orig_rax = ~std::uint64_t{0};
  if (!thread_.WriteRegisters(*registers)) return false;
  if (has_begun_) return true;
  has_begun_ = true;
  return thread_.WriteSignalMask(CallMask());
}

// After a system call that was skipped the registers are written again, for its
// result is in one.
bool RemoteCalls::Start(user_regs_struct registers) {
  if (!Prepare(&registers)) return false;
  if (!is_at_entry_) return true;
  is_at_entry_ = false;
  return Advance(Clock::now() + kStopTimeout) == StopReason::kSystemReturn &&
         thread_.WriteRegisters(registers);
}

StopReason RemoteCalls::Advance(Clock::time_point deadline) {
  if (!thread_.Continue()) return StopReason::kEnded;
  StopReason reason = thread_.Wait(deadline);
  while (IsStopOfProcess(reason)) reason = PassStop(reason, deadline);
  return reason;
}

// SIGSTOP cannot be blocked.
bool RemoteCalls::IsStopOfProcess(StopReason reason) const {
  return reason == StopReason::kGroupStop ||
         (reason == StopReason::kSignal && thread_.signal() == SIGSTOP);
}

// The stop takes effect when the thread is released. Returns the next one.
StopReason RemoteCalls::PassStop(StopReason reason,
                                 Clock::time_point deadline) {
  was_interrupted_ = true;
  const int signal = reason == StopReason::kSignal ? SIGSTOP : 0;
  if (!thread_.Continue(signal)) return StopReason::kEnded;
  return thread_.Wait(deadline);
}

user_regs_struct RemoteCalls::FunctionRegisters(
    std::uint64_t stack_pointer, std::uint64_t function,
    const Arguments& arguments) const {
  user_regs_struct registers = registers_;
  SetArguments(arguments, true, &registers);
  registers.rax = 0;
  registers.rip = function;
  registers.rsp = stack_pointer;
  return registers;
}

user_regs_struct RemoteCalls::SystemCallRegisters(
    std::uint64_t frame, std::int64_t number,
    const Arguments& arguments) const {
  user_regs_struct registers = registers_;
  SetArguments(arguments, false, &registers);
  registers.rax = static_cast<std::uint64_t>(number);
  registers.rip = code_.system_call;
  registers.rsp = frame;
  return registers;
}

std::optional<std::int64_t> RemoteCalls::CallSystem(
    std::uint64_t frame, std::int64_t number, const Arguments& arguments) {
  if (result_ != CallResult::kReturned) return std::nullopt;
  const auto deadline = Clock::now() + timeout_;
  if (!Start(SystemCallRegisters(frame, number, arguments))) {
    result_ = CallResult::kEnded;
    return std::nullopt;
  }
  StopReason reason = Advance(deadline);
  while (reason == StopReason::kSystemEntry ||
         reason == StopReason::kInterrupt) {
    reason = Advance(deadline);
  }
  if (reason == StopReason::kSystemReturn) {
    if (const auto after = thread_.ReadRegisters()) {
      return static_cast<std::int64_t>(after->rax);
    }
    result_ = CallResult::kEnded;
  } else if (reason == StopReason::kSignal) {
    result_ = CallResult::kFault;  // A seccomp filter with SECCOMP_RET_TRAP.
  } else if (reason == StopReason::kEnded) {
    result_ = CallResult::kEnded;
  } else {
    thread_.Interrupt();
    thread_.Wait(Clock::now() + kStopTimeout);
    result_ = CallResult::kUnfinished;
    thread_.Detach();
  }
  return std::nullopt;
}

CallResult RemoteCalls::Call(std::uint64_t frame, std::uint64_t function,
                             const Arguments& arguments) {
  Run(frame, function, arguments);
  return result_;
}

// The function returns to `syscall; ret` with the pointer as the number of the
// call. It is skipped; without a tracer the kernel rejects it, for no call has
// such a number. The second word, another `ret`, aligns the stack.
std::optional<std::uint64_t> RemoteCalls::CallForPointer(
    std::uint64_t frame, std::uint64_t function, const Arguments& arguments) {
  constexpr std::uint64_t kSystemCallBytes = 2;
  const std::uint64_t returns[] = {code_.system_call,
                                   code_.system_call + kSystemCallBytes};
  const std::uint64_t stack_pointer = frame - sizeof(returns);
  if (!WriteMemory(pid_, stack_pointer, returns, sizeof(returns))) {
    return std::nullopt;
  }
  return Run(stack_pointer, function, arguments);
}

std::optional<std::uint64_t> RemoteCalls::Run(std::uint64_t stack_pointer,
                                              std::uint64_t function,
                                              const Arguments& arguments) {
  if (result_ != CallResult::kReturned) return std::nullopt;
  const auto start = Clock::now();
  if (!Start(FunctionRegisters(stack_pointer, function, arguments))) {
    result_ = CallResult::kEnded;
    return std::nullopt;
  }
  return AwaitEntry(stack_pointer + sizeof(std::uint64_t), start, {});
}

// Each system call of a function stops the thread twice; the one by which it
// returns is recognised by its stack pointer. Returns the number of that call.
// `stop`: that of the thread, if it has stopped since.
std::optional<std::uint64_t> RemoteCalls::AwaitEntry(
    std::uint64_t stack_pointer, Clock::time_point start,
    std::optional<StopReason> stop) {
  auto deadline = start + kFirstExamination;
  bool is_late = false;
  for (;;) {
    StopReason reason = stop ? *stop : Advance(deadline);
    stop.reset();
    if (reason == StopReason::kTimeout) {
      // The next stop, of whatever kind, is that of the interruption.
      thread_.Interrupt();
      was_interrupted_ = true;
      is_late = true;
      reason = thread_.Wait(Clock::now() + kStopTimeout);
    }
    switch (reason) {
      case StopReason::kSystemEntry: {
        const auto entered = thread_.ReadRegisters();
        if (!entered || entered->rsp != stack_pointer) {
          break;
        }
        is_at_entry_ = true;
        return entered->orig_rax;
      }
      case StopReason::kSignal:
        result_ = CallResult::kFault;
        return std::nullopt;
      case StopReason::kEnded:
        result_ = CallResult::kEnded;
        return std::nullopt;
      case StopReason::kTimeout:
        result_ = CallResult::kUnfinished;
        return std::nullopt;
      default:
        break;
    }
    if (!is_late) continue;
    is_late = false;
    deadline = std::min(Clock::now() + kFirstExamination, start + timeout_);
    if (!MayGoOn(start + timeout_)) return std::nullopt;
  }
}

// Decides about a call that is late. A waiter may leave a futex; one that has
// been woken may not, for it would take the wake-up with it. Nor may a call
// that waits for a thread that runs, or for a processor: it may hold locks.
bool RemoteCalls::MayGoOn(Clock::time_point deadline) {
  const auto registers = thread_.ReadRegisters();
  if (!registers) {
    result_ = CallResult::kEnded;
    return false;
  }
  const bool waits_for_lock = registers->orig_rax == SYS_futex &&
                              IsInterrupted(registers->rax) &&
                              (registers->rsi & FUTEX_CMD_MASK) == FUTEX_WAIT;
  if (waits_for_lock && IsDeadlock(pid_, thread_.thread(), registers->rdi)) {
    result_ = CallResult::kAbandoned;
    return false;
  }
  if (Clock::now() < deadline) return true;
  result_ = CallResult::kUnfinished;
  thread_.Detach();
  return false;
}

bool RemoteCalls::Stop() {
  thread_.Interrupt();
  StopReason reason = Advance(Clock::now() + kStopTimeout);
  while (reason == StopReason::kSystemEntry ||
         reason == StopReason::kSystemReturn) {
    reason = Advance(Clock::now() + kStopTimeout);
  }
  return reason == StopReason::kInterrupt;
}

}  // namespace jemalloc_exporter
