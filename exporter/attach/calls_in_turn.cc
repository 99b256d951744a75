// The calls of RemoteCalls between which the thread does not stop.

#include <sys/syscall.h>

#include <cstddef>
#include <cstring>
#include <ctime>
#include <thread>

#include "exporter/attach/remote_calls.h"
#include "exporter/attach/remote_memory.h"
#include "exporter/attach/signal_frame.h"

namespace jemalloc_exporter {
namespace {

constexpr std::chrono::milliseconds kStopTimeout{500};

// The memory of the calls after the last function, which wait for the tracer.
struct EndData {
  timespec mark;  // The time at which it returned; 0 until then.
  timespec wait;
};

// ppoll(2), unlike nanosleep(2), leaves no data for its restart.
constexpr timespec kEndWait = {.tv_sec = 0, .tv_nsec = 100'000'000};

// Of the stack: more than a function's variables.
constexpr std::uint64_t kMaxOverflow = std::uint64_t{64} * 1024;

// A thread that needs the processor of the tracer gets it after this time.
constexpr std::chrono::microseconds kPollingTime{30};

}  // namespace

CallResult RemoteCalls::CallInTurn(std::uint64_t stack, std::uint64_t frame,
                                   std::uint64_t function,
                                   const std::vector<Arguments>& calls) {
  if (result_ != CallResult::kReturned) return result_;
  const std::uint64_t end = frame - sizeof(EndData);
  const std::uint64_t mark = end + offsetof(EndData, mark);
  const EndData data = {.mark = {}, .wait = kEndWait};
  // From the last call to the first: each has the frame of the next.
  ThreadState next;
  next.signal_mask = CallMask();
  next.registers = SystemCallRegisters(
      frame, SYS_ppoll, {0, 0, end + offsetof(EndData, wait), 0, 8, 0});
  const std::uint64_t size = SignalFrame(next, code_.signal_return).size();
  const std::uint64_t stride = (size + 15) & ~std::uint64_t{15};
  const std::uint64_t top = ((end - size) & ~std::uint64_t{15}) - 8;
  const std::uint64_t first = top - calls.size() * stride;
  std::vector<std::byte> memory(frame - first);
  std::memcpy(&memory[end - first], &data, sizeof(data));
  std::uint64_t at = top;
  const auto put = [&](const user_regs_struct& registers) {
    const auto bytes = SignalFrame(next, code_.signal_return).At(at);
    std::memcpy(&memory[at - first], bytes.data(), bytes.size());
    next.registers = registers;
    at -= stride;
  };
  put(SystemCallRegisters(at, SYS_clock_gettime,
                          {CLOCK_MONOTONIC, mark, 0, 0, 0, 0}));
  for (std::size_t i = calls.size(); i-- > 0;) {
    put(FunctionRegisters(at, function, calls[i]));
  }
  const auto start = Clock::now();
  is_at_entry_ = false;  // A function ignores the register of a result.
  if (!WriteMemory(pid_, first, memory.data(), memory.size()) ||
      !Prepare(&next.registers) || !thread_.ContinueFreely()) {
    result_ = CallResult::kEnded;
    return result_;
  }
  auto deadline = start + kFirstExamination;
  auto stop = AwaitMark(mark, deadline);
  if (!stop) {
    thread_.Interrupt();
    deadline = Clock::now() + kStopTimeout;
    stop = thread_.Wait(deadline);
  }
  for (;;) {
    const auto registers = thread_.ReadRegisters();
    if (registers && HasGoneOn(*stop, *registers, stack, frame)) {
      LeaveGoneOn(*stop, *registers);
      return result_;
    }
    if (stop == StopReason::kInterrupt && registers &&
        registers->rsp == frame && registers->orig_rax == SYS_ppoll) {
      return result_;
    }
    if (!IsStopOfProcess(*stop)) break;
    stop = PassStop(*stop, deadline);
  }
  AwaitEntry(frame, start, stop);
  return result_;
}

// Whether the wait at the end is over, so that the thread is in the code of its
// process, or about to return to it. A fault near the stack of the calls is an
// overflow of it.
bool RemoteCalls::HasGoneOn(StopReason stop, const user_regs_struct& registers,
                            std::uint64_t stack, std::uint64_t frame) const {
  if (registers.rsp == frame) {
    return registers.rip != code_.system_call &&
           registers.orig_rax != SYS_ppoll;
  }
  const bool is_fault =
      stop == StopReason::kSignal && IsFault(thread_.signal());
  const std::uint64_t lowest = is_fault ? stack - kMaxOverflow : stack;
  return registers.rsp - lowest > frame - lowest;
}

// Its registers and its mask are its own again, and a signal is for it. Only
// the interruption by the tracer must have no effect.
void RemoteCalls::LeaveGoneOn(StopReason stop,
                              const user_regs_struct& registers) {
  result_ = CallResult::kUnfinished;
  if (stop == StopReason::kInterrupt) {
    thread_.WriteRegisters(RestartingRegisters(registers));
  }
  thread_.Detach(stop == StopReason::kSignal ? thread_.signal() : 0);
}

// The thread does not stop at the mark: a stop has another reason.
std::optional<StopReason> RemoteCalls::AwaitMark(std::uint64_t mark,
                                                 Clock::time_point deadline) {
  auto pause = Clock::now() + kPollingTime;
  for (;;) {
    if (const auto stop = thread_.CheckStop()) return stop;
    timespec time = {};
    ReadMemory(pid_, mark, &time, sizeof(time));
    const auto now = Clock::now();
    if (time.tv_sec != 0 || time.tv_nsec != 0 || now > deadline) {
      return std::nullopt;
    }
    if (now < pause) continue;
    std::this_thread::sleep_for(kPollingTime);
    pause = Clock::now() + kPollingTime;
  }
}

}  // namespace jemalloc_exporter
