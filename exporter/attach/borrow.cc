#include "exporter/attach/borrow.h"

#include <chrono>
#include <string_view>
#include <thread>

#include "exporter/attach/attach_error.h"
#include "exporter/attach/trace_permission.h"
#include "exporter/attach/waiting_thread.h"
#include "exporter/process/proc_stat.h"

namespace jemalloc_exporter {
namespace {

using Clock = std::chrono::steady_clock;
using Status = BorrowedThread::Status;

constexpr std::chrono::seconds kMaxWait{2};
constexpr std::chrono::milliseconds kPause{1};

std::string Reason(const TargetProcess& target, Status status) {
  switch (status) {
    case Status::kBorrowed:
    case Status::kNotWaiting:
      return "no thread waits in a system call; tried for 2 s";
    case Status::kInSignalHandler:
      return "waits in a signal handler; tried for 2 s";
    case Status::kGroupStop:
      return "is stopped";
    case Status::kNotAllowed:
      return HasSeccomp(target.pid, target.pid)
                 ? "tracing it is not permitted; under seccomp this needs "
                   "CAP_SYS_ADMIN"
                 : DescribeMissingPermission(ReadPtraceScope());
    case Status::kOtherImage:
      return std::string(kOtherImage);
    case Status::kNoStack:
      return "no stack can be mapped in it";
    case Status::kEnded:
      break;
  }
  return "has ended";
}

// A thread that ends cannot be traced, either: execve(2) in one thread ends the
// others. A denial is final when it is repeated so often, 1 ms apart.
constexpr int kMaxDenials = 20;

// The refusals that may not hold a moment later.
bool IsTransient(Status status, int denials) {
  return status == Status::kBorrowed || status == Status::kNotWaiting ||
         status == Status::kInSignalHandler ||
         (status == Status::kNotAllowed && denials < kMaxDenials);
}

bool HasEnded(pid_t pid) {
  const auto stat = ReadProcStat(pid);
  return !stat || IsEnding(*stat);
}

}  // namespace

std::unique_ptr<BorrowedThread> Borrow(const TargetProcess& target,
                                       const RemoteCode& code) {
  const auto start = Clock::now();
  Status last = Status::kBorrowed;
  int denials = 0;
  do {
    for (const pid_t thread : FindWaitingThreads(target.pid)) {
      auto borrowed = std::make_unique<BorrowedThread>(target, code, thread);
      const Status status = borrowed->status();
      if (status == Status::kBorrowed) return borrowed;
      if (status == Status::kEnded) continue;  // The thread, at least.
      last = status;
      if (status == Status::kNotAllowed) ++denials;
      if (!IsTransient(status, denials)) break;
    }
    if (!IsTransient(last, denials) || HasEnded(target.pid)) break;
    std::this_thread::sleep_for(kPause);
  } while (Clock::now() - start < kMaxWait);
  if (HasEnded(target.pid)) last = Status::kEnded;
  throw AttachError(target.Describe(Reason(target, last)));
}

void RequireReturned(const TargetProcess& target, CallResult result,
                     const std::string& function) {
  switch (result) {
    case CallResult::kReturned:
      return;
    case CallResult::kAbandoned:
      throw AttachError(target.Describe(
          function +
          " waited for a lock that is not released; the call was "
          "left, and 256 KiB of stack remain mapped"));
    case CallResult::kUnfinished:
      throw AttachError(target.Describe(
          function +
          " has not returned in time, or the exporter was late; the thread "
          "goes on by itself, and 256 KiB of stack remain mapped"));
    case CallResult::kFault:
      throw AttachError(
          target.Describe(function +
                          " raised a fault; the call was left, and 256 KiB of "
                          "stack remain mapped"));
    case CallResult::kEnded:
      break;
  }
  throw AttachError(target.Describe("has ended"));
}

}  // namespace jemalloc_exporter
