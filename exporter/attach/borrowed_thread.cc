#include "exporter/attach/borrowed_thread.h"

#include <sys/mman.h>
#include <sys/syscall.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <iterator>
#include <vector>

#include "exporter/attach/remote_memory.h"
#include "exporter/attach/waiting_thread.h"

namespace jemalloc_exporter {
namespace {

constexpr std::chrono::milliseconds kStopTimeout{500};

// dlopen(3) of glibc takes about 20 KiB.
constexpr std::uint64_t kStackBytes = std::uint64_t{256} * 1024;

// Below the stack pointer; a signal handler leaves them, too.
constexpr std::uint64_t kRedZone = 128;

// Up to this far above the stack pointer, return addresses are examined.
constexpr std::size_t kHandlerSearchBytes = std::size_t{64} * 1024;

// The code segment of 64-bit programs.
constexpr std::uint64_t kCodeSegment64 = 0x33;

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
  if (MapStack()) return Status::kBorrowed;
  // Another thread has executed a program, which ended this one.
  if (HasOtherImage(target_)) return Status::kOtherImage;
  return thread_.ReadRegisters() ? Status::kNoStack : Status::kEnded;
}

BorrowedThread::Status BorrowedThread::CheckWait() const {
  if (HasOtherImage(target_)) return Status::kOtherImage;
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
// nothing.
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
  calls_.emplace(target_.pid, code_, state_.registers,
                 has_seccomp_ ? RemoteCalls::kFilteredCallTimeout
                              : RemoteCalls::kCallTimeout,
                 &thread_);
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
  return result() == CallResult::kReturned;
}

std::optional<std::int64_t> BorrowedThread::CallSystem(
    std::int64_t number, const Arguments& arguments) {
  const auto result = calls_->CallSystem(own_frame_, number, arguments);
  LeaveUnreturned();
  return result;
}

CallResult BorrowedThread::Call(std::uint64_t function,
                                const Arguments& arguments) {
  calls_->Call(stack_frame_, function, arguments);
  LeaveUnreturned();
  return calls_->result();
}

std::optional<std::uint64_t> BorrowedThread::CallForPointer(
    std::uint64_t function, const Arguments& arguments) {
  const auto result = calls_->CallForPointer(stack_frame_, function, arguments);
  LeaveUnreturned();
  return result;
}

CallResult BorrowedThread::CallInTurn(std::uint64_t function,
                                      const std::vector<Arguments>& calls) {
  calls_->CallInTurn(stack_, stack_frame_, function, calls);
  LeaveUnreturned();
  return calls_->result();
}

void BorrowedThread::LeaveUnreturned() {
  if (is_interrupted_ &&
      (result() == CallResult::kAbandoned || result() == CallResult::kFault)) {
    Restore();
  }
}

// A thread that is not used was interrupted, too.
void BorrowedThread::Release() {
  if (!is_interrupted_) return;
  if (!calls_ || !calls_->has_begun()) {
    thread_.WriteRegisters(RestartingRegisters(state_.registers));
    is_interrupted_ = false;
    thread_.Detach();
  }
  if (!is_interrupted_ || result() != CallResult::kReturned) return;
  if (errno_address_ != 0) {
    WriteMemory(target_.pid, errno_address_, &errno_value_,
                sizeof(errno_value_));
    errno_address_ = 0;
  }
  if (stack_ != 0) CallSystem(SYS_munmap, {stack_, kStackBytes, 0, 0, 0, 0});
  stack_ = 0;
  if (calls_->Stop()) Restore();
}

// In this order, the thread can go on by itself at any time between. The frame
// is erased: it would look like that of a signal handler.
void BorrowedThread::Restore() {
  thread_.WriteExtended(state_.extended);
  thread_.WriteSignalMask(state_.signal_mask);
  thread_.WriteRegisters(
      calls_->was_interrupted()
          ? RestartingAnewRegisters(state_.registers, call_number_)
          : RestartingRegisters(state_.registers));
  const std::vector<std::byte> zeros(own_frame_bytes_);
  WriteMemory(target_.pid, own_frame_, zeros.data(), zeros.size());
  is_interrupted_ = false;
  thread_.Detach();
}

}  // namespace jemalloc_exporter
