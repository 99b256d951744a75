#include "exporter/attach/waiting_thread.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <linux/futex.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <thread>

#include "exporter/attach/thread_list.h"
#include "tests/support/wait_for.h"

namespace jemalloc_exporter {
namespace {

bool IsSafeHere(WaitingCall call) { return IsSafeWait(getpid(), call); }

TEST(WaitingCall, IsParsed) {
  const auto call = ParseWaitingCall(
      "232 0x5 0x7fa363b6fb40 0x2790 0x64 0x2 0x0 0x7ffe44571960 "
      "0x7fa364326f36\n");
  ASSERT_TRUE(call);
  EXPECT_EQ(call->number, 232);
  EXPECT_EQ(call->arguments[1], 0x7fa363b6fb40);
  EXPECT_EQ(call->arguments[3], 0x64);
}

TEST(WaitingCall, IsAbsentForThreadsThatRun) {
  for (const char* text : {"", "running\n", "-1 0x7ffe44571960 0x7fa364326f36",
                           "232", "232 0x5 0x7", "232 5 6 7 8 9 10"}) {
    EXPECT_FALSE(ParseWaitingCall(text)) << text;
  }
}

TEST(IsSafeWait, AcceptsWaitsForEventsAndTimes) {
  for (const std::int64_t number :
       {SYS_epoll_wait, SYS_poll, SYS_select, SYS_accept, SYS_nanosleep,
        SYS_rt_sigtimedwait, SYS_restart_syscall, SYS_wait4}) {
    EXPECT_TRUE(IsSafeHere({.number = number})) << number;
  }
}

// Mutexes of malloc and of the dynamic linker wait in FUTEX_WAIT.
TEST(IsSafeWait, RejectsLocks) {
  const auto futex = [](unsigned operation) {
    return IsSafeHere(
        {.number = SYS_futex, .arguments = {0x1000, operation, 0}});
  };
  EXPECT_TRUE(futex(FUTEX_WAIT_BITSET | FUTEX_PRIVATE_FLAG));
  EXPECT_TRUE(futex(FUTEX_WAIT_BITSET | FUTEX_CLOCK_REALTIME));
  EXPECT_FALSE(futex(FUTEX_WAIT));
  EXPECT_FALSE(futex(FUTEX_WAIT_PRIVATE));
  EXPECT_FALSE(futex(FUTEX_LOCK_PI_PRIVATE));
}

TEST(IsSafeWait, RejectsCallsThatDoNotWait) {
  for (const std::int64_t number : {SYS_mmap, SYS_madvise, SYS_openat,
                                    SYS_write, SYS_sched_yield, SYS_clone}) {
    EXPECT_FALSE(IsSafeHere({.number = number})) << number;
  }
}

TEST(IsSafeWait, AcceptsReadsOfStreamsOnly) {
  int ends[2];
  ASSERT_EQ(pipe2(ends, O_CLOEXEC), 0);
  const int file = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
  const auto read = [](int descriptor) {
    return IsSafeHere({.number = SYS_read,
                       .arguments = {static_cast<std::uint64_t>(descriptor)}});
  };
  EXPECT_TRUE(read(ends[0]));
  EXPECT_FALSE(read(file));
  EXPECT_FALSE(read(-1));
  close(ends[0]);
  close(ends[1]);
  close(file);
}

// A thread with this name that waits in poll(2).
class PollingThread {
 public:
  explicit PollingThread(const char* name) {
    EXPECT_EQ(pipe(ends_), 0);
    thread_ = std::thread([this, name] {
      prctl(PR_SET_NAME, name);
      id_ = static_cast<pid_t>(syscall(SYS_gettid));
      pollfd ready = {ends_[0], POLLIN, 0};
      poll(&ready, 1, -1);
    });
    EXPECT_TRUE(WaitFor([&] {
      const auto call =
          ParseWaitingCall(ReadThreadFile(getpid(), id_, "syscall"));
      return call && call->number == SYS_poll;
    }));
  }
  ~PollingThread() {
    close(ends_[1]);
    thread_.join();
    close(ends_[0]);
  }
  PollingThread(const PollingThread&) = delete;
  PollingThread& operator=(const PollingThread&) = delete;

  bool IsFound() const {
    const auto found = FindWaitingThreads(getpid());
    return std::find(found.begin(), found.end(), id_.load()) != found.end();
  }

 private:
  int ends_[2] = {-1, -1};
  std::atomic<pid_t> id_ = 0;
  std::thread thread_;
};

TEST(FindWaitingThreads, OmitsThoseOfJemallocAndOfTheAgent) {
  EXPECT_TRUE(PollingThread("worker").IsFound());
  EXPECT_FALSE(PollingThread("jemalloc_bg_thd").IsFound());
  EXPECT_FALSE(PollingThread("jemalloc_export").IsFound());
}

}  // namespace
}  // namespace jemalloc_exporter
