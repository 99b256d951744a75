#include "exporter/cli/signal_recorder.h"

#include <sys/mman.h>
#include <sys/prctl.h>
#include <unistd.h>

#include <chrono>
#include <thread>

#include "exporter/cli/exec_server.h"

namespace jemalloc_exporter {
namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

constexpr milliseconds kWindow{100};
constexpr milliseconds kPollInterval{5};

std::int64_t Nanoseconds(Clock::time_point time) {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(
             time.time_since_epoch())
      .count();
}

}  // namespace

SignalRecorder::SignalRecorder() {
  void* const shared = mmap(nullptr, sizeof(Times), PROT_READ | PROT_WRITE,
                            MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (shared == MAP_FAILED) return;
  times_ = static_cast<Times*>(shared);  // Zero pages.
  const pid_t parent = getpid();
  if (fork() != 0) return;
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (getppid() != parent) _exit(0);
  DetachStreams({});
  close(STDERR_FILENO);
  sigset_t all;
  sigfillset(&all);
  sigprocmask(SIG_SETMASK, &all, nullptr);
  while (true) {
    const int signal = sigwaitinfo(&all, nullptr);
    if (signal > 0) times_->nanoseconds[signal] = Nanoseconds(Clock::now());
  }
}

bool SignalRecorder::Received(int signal, Clock::time_point since) const {
  if (times_ == nullptr) return false;
  const auto deadline = Clock::now() + kWindow;
  while (times_->nanoseconds[signal] < Nanoseconds(since - kWindow)) {
    if (Clock::now() >= deadline) return false;
    std::this_thread::sleep_for(kPollInterval);
  }
  return true;
}

}  // namespace jemalloc_exporter
