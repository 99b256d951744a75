#include "exporter/attach/borrowed_thread.h"

#include <linux/futex.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <iterator>
#include <vector>

#include "exporter/attach/lock_owner.h"
#include "exporter/attach/remote_memory.h"
#include "exporter/attach/waiting_thread.h"

namespace jemalloc_exporter {
namespace {

constexpr std::chrono::milliseconds kStopTimeout{500};

// A call that is not deadlocked may need longer, on a machine under load.
constexpr std::chrono::milliseconds kLongCallTimeout{2000};

// dlopen(3) of glibc takes about 20 KiB.
constexpr std::uint64_t kStackBytes = std::uint64_t{256} * 1024;

// Below the stack pointer; a signal handler leaves them, too.
constexpr std::uint64_t kRedZone = 128;

// Up to this far above the stack pointer, return addresses are examined.
constexpr std::size_t kHandlerSearchBytes = std::size_t{64} * 1024;

// The code segment of 64-bit programs.
constexpr std::uint64_t kCodeSegment64 = 0x33;

// Bits of eflags: a function may expect the direction to be upwards.
constexpr std::uint64_t kDirectionFlag = 0x400;

constexpr std::uint64_t Bit(int signal) {
  return std::uint64_t{1} << (signal - 1);
}

// A fault in a call must be seen here. The kernel resets the handler of one
// that is blocked.
constexpr std::uint64_t kFaults = Bit(SIGSEGV) | Bit(SIGBUS) | Bit(SIGFPE) |
                                  Bit(SIGILL) | Bit(SIGTRAP) | Bit(SIGSYS);

// The calls that the kernel continues by restart_syscall(2).
constexpr std::uint32_t kContinuedCalls[] = {SYS_poll, SYS_nanosleep, SYS_futex,
                                             SYS_clock_nanosleep};

// The number of the call that restart_syscall(2) continues: of the instruction
// `mov $number, %eax` before it. Absent if it is another one.
std::optional<std::uint64_t> FindContinuedCall(pid_t pid, std::uint64_t rip) {
  constexpr std::size_t kSystemCallBytes = 2;
  constexpr std::size_t kMoveBytes = 5;
  std::uint8_t code[24] = {};
  if (ReadMemory(pid, rip - sizeof(code), code, sizeof(code)) != sizeof(code)) {
    return std::nullopt;
  }
  for (std::size_t at = sizeof(code) - kSystemCallBytes - kMoveBytes + 1;
       at-- > 0;) {
    if (code[at] != 0xB8) continue;
    std::uint32_t number = 0;
    std::memcpy(&number, &code[at + 1], sizeof(number));
    if (std::find(std::begin(kContinuedCalls), std::end(kContinuedCalls),
                  number) != std::end(kContinuedCalls)) {
      return number;
    }
  }
  return std::nullopt;
}

void SetArguments(const BorrowedThread::Arguments& arguments, bool is_function,
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

BorrowedThread::BorrowedThread(const TargetProcess& target,
                               const RemoteCode& code, pid_t thread)
    : target_(target),
      code_(code),
      has_seccomp_(HasSeccomp(target.pid, thread)),
      thread_(thread, has_seccomp_, &seize_error_) {
  status_ = Stop();
}

BorrowedThread::~BorrowedThread() { Release(); }

BorrowedThread::Status BorrowedThread::Stop() {
  if (seize_error_ != 0) {
    return seize_error_ == ESRCH ? Status::kEnded : Status::kNotAllowed;
  }
  for (;;) {
    const StopReason reason = thread_.Wait(Clock::now() + kStopTimeout);
    if (reason == StopReason::kInterrupt) break;
    if (reason == StopReason::kEnded) return Status::kEnded;
    if (reason == StopReason::kGroupStop) return Status::kGroupStop;
    if (reason == StopReason::kTimeout) return Status::kNotWaiting;
    // A signal for the thread arrived before the request to stop.
    const bool is_signal = reason == StopReason::kSignal;
    if (!thread_.Continue(is_signal ? thread_.signal() : 0)) {
      return Status::kEnded;
    }
  }
  if (!thread_.ReadState(&state_)) return Status::kEnded;
  is_interrupted_ = true;
  if (const Status status = CheckWait(); status != Status::kBorrowed) {
    return status;
  }
  return MapStack() ? Status::kBorrowed : Status::kNoStack;
}

BorrowedThread::Status BorrowedThread::CheckWait() const {
  const user_regs_struct& registers = state_.registers;
  const WaitingCall call = {
      .number = static_cast<std::int64_t>(registers.orig_rax),
      .arguments = {registers.rdi, registers.rsi, registers.rdx, registers.r10,
                    registers.r8, registers.r9}};
  constexpr std::uint8_t kSystemCall[] = {0x0F, 0x05};
  std::uint8_t code[sizeof(kSystemCall)] = {};
  ReadMemory(target_.pid, registers.rip - sizeof(code), code, sizeof(code));
  if (call.number < 0 || registers.cs != kCodeSegment64 ||
      !std::equal(std::begin(code), std::end(code), std::begin(kSystemCall)) ||
      !IsSafeWait(target_.pid, call) ||
      HasSeccomp(target_.pid, thread_.thread()) != has_seccomp_) {
    return Status::kNotWaiting;
  }
  return IsInSignalHandler(registers.rsp) ? Status::kInSignalHandler
                                          : Status::kBorrowed;
}

// The kernel makes a handler return to such an instruction. The handler may
// have interrupted malloc.
bool BorrowedThread::IsInSignalHandler(std::uint64_t stack_pointer) const {
  std::vector<std::uint64_t> words(kHandlerSearchBytes / sizeof(std::uint64_t));
  const std::size_t bytes =
      ReadMemory(target_.pid, stack_pointer, words.data(), kHandlerSearchBytes);
  words.resize(bytes / sizeof(std::uint64_t));
  return std::find_first_of(words.begin(), words.end(),
                            code_.signal_returns.begin(),
                            code_.signal_returns.end()) != words.end();
}

// The first frame is where a signal handler's would be, so it overwrites
// nothing. The registers are changed before the mask: at any time between, the
// thread can go on by itself.
bool BorrowedThread::MapStack() {
  const bool is_continued = state_.registers.orig_rax == SYS_restart_syscall;
  call_number_ = is_continued
                     ? FindContinuedCall(target_.pid, state_.registers.rip)
                     : std::optional<std::uint64_t>(state_.registers.orig_rax);
  ThreadState repeated = state_;
  repeated.registers = RepeatingRegisters(state_.registers, call_number_);
  const SignalFrame frame(repeated, code_.signal_return);
  const auto align = [&](std::uint64_t top) {
    return ((top - frame.size()) & ~std::uint64_t{15}) - 8;
  };
  own_frame_ = align(state_.registers.rsp - kRedZone);
  own_frame_bytes_ = frame.size();
  const auto own = frame.At(own_frame_);
  if (!WriteMemory(target_.pid, own_frame_, own.data(), own.size())) {
    return false;
  }
  const auto mapped =
      CallSystem(SYS_mmap, {0, kStackBytes, PROT_READ | PROT_WRITE,
                            MAP_PRIVATE | MAP_ANONYMOUS | MAP_STACK,
                            ~std::uint64_t{0}, 0});
  if (!mapped || *mapped < 0) return false;
  stack_ = static_cast<std::uint64_t>(*mapped);
  stack_frame_ = align(stack_ + kStackBytes);
  const auto on_stack = frame.At(stack_frame_);
  if (!WriteMemory(target_.pid, stack_frame_, on_stack.data(),
                   on_stack.size())) {
    return false;
  }
  if (code_.errno_location) {
    errno_address_ = CallForPointer(*code_.errno_location, {}).value_or(0);
    if (ReadMemory(target_.pid, errno_address_, &errno_value_,
                   sizeof(errno_value_)) != sizeof(errno_value_)) {
      errno_address_ = 0;
    }
  }
  return result_ == CallResult::kReturned;
}

// A system call at whose entry the thread stopped is skipped: its number is
// set to -1. The registers are then written again, for its result is in one.
bool BorrowedThread::Start(user_regs_struct registers) {
  registers.orig_rax = ~std::uint64_t{0};
  if (!thread_.WriteRegisters(registers)) return false;
  if (!is_borrowed_) {
    is_borrowed_ = true;
    if (!thread_.WriteSignalMask(~kFaults)) return false;
  }
  if (!is_at_entry_) return true;
  is_at_entry_ = false;
  return Advance(Clock::now() + kCallTimeout) == StopReason::kSystemReturn &&
         thread_.WriteRegisters(registers);
}

// A stop of the whole process takes effect when the thread is released.
// SIGSTOP cannot be blocked.
StopReason BorrowedThread::Advance(Clock::time_point deadline) {
  for (int signal = 0;;) {
    if (!thread_.Continue(signal)) return StopReason::kEnded;
    const StopReason reason = thread_.Wait(deadline);
    const bool is_stop_signal =
        reason == StopReason::kSignal && thread_.signal() == SIGSTOP;
    if (reason != StopReason::kGroupStop && !is_stop_signal) return reason;
    signal = is_stop_signal ? SIGSTOP : 0;
    was_call_interrupted_ = true;
  }
}

std::optional<std::int64_t> BorrowedThread::CallSystem(
    std::int64_t number, const Arguments& arguments) {
  if (result_ != CallResult::kReturned) return std::nullopt;
  user_regs_struct registers = state_.registers;
  SetArguments(arguments, false, &registers);
  registers.rax = static_cast<std::uint64_t>(number);
  registers.rip = code_.system_call;
  registers.rsp = own_frame_;
  const auto deadline = Clock::now() + kLongCallTimeout;
  if (!Start(registers)) {
    result_ = CallResult::kEnded;
    return std::nullopt;
  }
  for (;;) {
    const StopReason reason = Advance(deadline);
    if (reason == StopReason::kSystemReturn) break;
    if (reason == StopReason::kSystemEntry ||
        reason == StopReason::kInterrupt) {
      continue;
    }
    if (reason == StopReason::kSignal) {
      result_ = CallResult::kFault;  // A seccomp filter with SECCOMP_RET_TRAP.
      Restore();
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
  const auto after = thread_.ReadRegisters();
  if (!after) {
    result_ = CallResult::kEnded;
    return std::nullopt;
  }
  return static_cast<std::int64_t>(after->rax);
}

CallResult BorrowedThread::Call(std::uint64_t function,
                                const Arguments& arguments) {
  if (result_ == CallResult::kReturned) {
    Run(function, arguments, stack_frame_, nullptr);
  }
  return result_;
}

// The function returns to `syscall; ret` with the pointer as the number of the
// call. It is skipped; without a tracer the kernel rejects it, for no call has
// such a number. The second word, another `ret`, aligns the stack.
std::optional<std::uint64_t> BorrowedThread::CallForPointer(
    std::uint64_t function, const Arguments& arguments) {
  if (result_ != CallResult::kReturned) return std::nullopt;
  constexpr std::uint64_t kSystemCallBytes = 2;
  const std::uint64_t returns[] = {code_.system_call,
                                   code_.system_call + kSystemCallBytes};
  const std::uint64_t stack_pointer = stack_frame_ - sizeof(returns);
  std::uint64_t pointer = 0;
  if (!WriteMemory(target_.pid, stack_pointer, returns, sizeof(returns))) {
    return std::nullopt;
  }
  Run(function, arguments, stack_pointer, &pointer);
  if (result_ != CallResult::kReturned) return std::nullopt;
  return pointer;
}

// Each system call of the function stops the thread twice; the one by which it
// returns is recognised by its stack pointer.
void BorrowedThread::Run(std::uint64_t function, const Arguments& arguments,
                         std::uint64_t stack_pointer, std::uint64_t* pointer) {
  user_regs_struct registers = state_.registers;
  SetArguments(arguments, true, &registers);
  registers.rax = 0;
  registers.rip = function;
  registers.rsp = stack_pointer;
  const auto start = Clock::now();
  if (!Start(registers)) {
    result_ = CallResult::kEnded;
    return;
  }
  auto deadline = start + kCallTimeout;
  bool is_late = false;
  for (;;) {
    StopReason reason = Advance(deadline);
    if (reason == StopReason::kTimeout) {
      // The next stop, of whatever kind, is that of the interruption.
      thread_.Interrupt();
      was_call_interrupted_ = true;
      is_late = true;
      reason = thread_.Wait(Clock::now() + kStopTimeout);
    }
    switch (reason) {
      case StopReason::kSystemEntry: {
        const auto entered = thread_.ReadRegisters();
        if (!entered || entered->rsp != stack_pointer + sizeof(std::uint64_t)) {
          break;
        }
        is_at_entry_ = true;
        if (pointer != nullptr) *pointer = entered->orig_rax;
        return;
      }
      case StopReason::kSignal:
        result_ = CallResult::kFault;
        Restore();
        return;
      case StopReason::kEnded:
        result_ = CallResult::kEnded;
        return;
      case StopReason::kTimeout:
        result_ = CallResult::kUnfinished;
        return;
      default:
        break;
    }
    if (!is_late) continue;
    is_late = false;
    deadline = start + kLongCallTimeout;
    if (!MayGoOn(deadline)) return;
  }
}

// Decides about a call that is late. A waiter may leave a futex; one that has
// been woken may not, for it would take the wake-up with it.
bool BorrowedThread::MayGoOn(Clock::time_point deadline) {
  const auto registers = thread_.ReadRegisters();
  if (!registers) {
    result_ = CallResult::kEnded;
    return false;
  }
  const bool waits_for_lock = registers->orig_rax == SYS_futex &&
                              IsInterrupted(registers->rax) &&
                              (registers->rsi & FUTEX_CMD_MASK) == FUTEX_WAIT;
  if (waits_for_lock &&
      IsDeadlock(target_.pid, thread_.thread(), registers->rdi)) {
    result_ = CallResult::kAbandoned;
    Restore();
    return false;
  }
  if (Clock::now() < deadline) return true;
  result_ = CallResult::kUnfinished;
  thread_.Detach();
  return false;
}

// A thread that is not used was interrupted, too.
void BorrowedThread::Release() {
  if (!is_borrowed_ && is_interrupted_) {
    thread_.WriteRegisters(RestartingRegisters(state_.registers));
    is_interrupted_ = false;
    thread_.Detach();
  }
  if (!is_borrowed_ || result_ != CallResult::kReturned) return;
  if (errno_address_ != 0) {
    WriteMemory(target_.pid, errno_address_, &errno_value_,
                sizeof(errno_value_));
  }
  if (stack_ != 0) CallSystem(SYS_munmap, {stack_, kStackBytes, 0, 0, 0, 0});
  thread_.Interrupt();
  StopReason reason = Advance(Clock::now() + kStopTimeout);
  while (reason == StopReason::kSystemEntry ||
         reason == StopReason::kSystemReturn) {
    reason = Advance(Clock::now() + kStopTimeout);
  }
  if (reason == StopReason::kInterrupt) Restore();
}

// In this order, the thread can go on by itself at any time between. The frame
// is erased: it would look like that of a signal handler.
void BorrowedThread::Restore() {
  thread_.WriteExtended(state_.extended);
  thread_.WriteSignalMask(state_.signal_mask);
  thread_.WriteRegisters(
      was_call_interrupted_
          ? RestartingAnewRegisters(state_.registers, call_number_)
          : RestartingRegisters(state_.registers));
  const std::vector<std::byte> zeros(own_frame_bytes_);
  WriteMemory(target_.pid, own_frame_, zeros.data(), zeros.size());
  is_borrowed_ = false;
  is_interrupted_ = false;
  thread_.Detach();
}

}  // namespace jemalloc_exporter
