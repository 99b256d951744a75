#include "exporter/agent/fork_checks.h"

#include <fcntl.h>
#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <csignal>
#include <ctime>
#include <limits>
#include <string_view>

#include "exporter/agent/glibc_compat.h"
#include "exporter/agent/host_status.h"
#include "exporter/agent/protocol.h"
#include "exporter/agent/system_call.h"

namespace jemalloc_exporter {
namespace {

// The id of the calling thread, as glibc has it: gettid(2) is a system call.
pid_t ThreadId() {
  pthread_mutex_t mutex = PTHREAD_RECURSIVE_MUTEX_INITIALIZER_NP;
  if (pthread_mutex_trylock(&mutex) != 0) return 0;
  const pid_t tid = mutex.__data.__owner;
  pthread_mutex_unlock(&mutex);
  return tid;
}

int ReadFilters(pid_t tid) {
  constexpr std::string_view kFolder = "/proc/self/task/";
  constexpr std::string_view kFile = "/status";
  char path[kFolder.size() + std::numeric_limits<pid_t>::digits10 + 2 +
            kFile.size()] = {};
  char* end = std::copy(kFolder.begin(), kFolder.end(), path);
  end = std::to_chars(end, end + std::numeric_limits<pid_t>::digits10 + 1, tid)
            .ptr;
  std::copy(kFile.begin(), kFile.end(), end);
  const int file = OpenFile(path);
  if (file < 0) return HostStatus::kUnknown;
  const int filters = ReadHostStatus(file).seccomp_filters;
  SystemCall(SYS_close, file);
  return filters;
}

void Wait(std::atomic<int>* word, int value, const timespec& timeout) {
  SystemCall(SYS_futex, word, FUTEX_WAIT_PRIVATE, value, &timeout, nullptr, 0);
}

void Wake(std::atomic<int>* word) {
  SystemCall(SYS_futex, word, FUTEX_WAKE_PRIVATE, 1, nullptr, nullptr, 0);
}

}  // namespace

void ForkChecks::Reset(pid_t process, pid_t thread, int initial_filters) {
  for (Fork& fork : forks_) fork.tid = 0;
  requests_ = 0;
  process_ = process;
  checker_ = thread;
  initial_filters_ = initial_filters;
  is_disabled_ = thread == 0 || initial_filters == HostStatus::kUnknown;
}

// A child of a raw clone(2) has a copy of all this, but not the thread.
void ForkChecks::Prepare() {
  if (is_disabled_) return;
  const pid_t tid = ThreadId();
  if (tid == 0 || GetPid() != process_) return;
  for (Fork& fork : forks_) {
    pid_t free = 0;
    if (!fork.tid.compare_exchange_strong(free, -1)) continue;
    fork.thread = pthread_self();
    fork.result = kPending;
    fork.tid = tid;
    ++requests_;
    if (SystemCall(SYS_tgkill, process_, checker_, kStopSignal) == 0) {
      Await(&fork, is_disabled_);
    } else {
      TakeRequest();
    }
    return;
  }
}

// Most results take less time than to sleep and to be woken. The agent's thread
// wakes no one once there is a filter, which may forbid that: hence the short
// timeout.
void ForkChecks::Await(Fork* fork, const std::atomic<bool>& is_disabled) {
  constexpr int kSpins = 200;
  constexpr timespec kTimeout = {0, 1'000'000};
  constexpr int kMaxWaits = 1000;
  for (int i = 0; i < kSpins && fork->result == kPending; ++i) {
#ifdef __x86_64__
    __builtin_ia32_pause();
#endif
  }
  int pending = kPending;
  fork->result.compare_exchange_strong(pending, kAwaited);
  for (int i = 0; i < kMaxWaits && fork->result == kAwaited && !is_disabled;
       ++i) {
    Wait(&fork->result, kAwaited, kTimeout);
  }
}

bool ForkChecks::Finish() {
  for (Fork& fork : forks_) {
    if (fork.tid <= 0 || fork.thread != pthread_self()) continue;
    const bool is_unchanged = fork.result == kUnchanged;
    fork.tid = 0;
    return is_unchanged && !is_disabled_;
  }
  return false;
}

bool ForkChecks::TakeRequest() {
  int requests = requests_;
  while (requests > 0 &&
         !requests_.compare_exchange_weak(requests, requests - 1)) {
  }
  return requests > 0;
}

void ForkChecks::CompleteAll() {
  for (Fork& fork : forks_) {
    const pid_t tid = fork.tid;
    if (tid <= 0 || fork.result > kAwaited) continue;
    const bool is_unchanged =
        tid == process_ || ReadFilters(tid) == initial_filters_;
    const Result result = is_unchanged ? kUnchanged : kChanged;
    if (fork.result.exchange(result) == kAwaited) Wake(&fork.result);
  }
}

}  // namespace jemalloc_exporter
