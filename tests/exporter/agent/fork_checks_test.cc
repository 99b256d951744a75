#include "exporter/agent/fork_checks.h"

#include <gtest/gtest.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <cstdint>
#include <future>
#include <thread>

#include "exporter/agent/protocol.h"
#include "exporter/agent/system_call_probe.h"

namespace jemalloc_exporter {
namespace {

// Completes the requests of threads that fork, as the agent's thread does.
class Checker {
 public:
  explicit Checker(ForkChecks& checks) {
    thread_ = std::thread([&checks, this] {
      const std::uint64_t mask = std::uint64_t{1} << (kStopSignal - 1);
      syscall(SYS_rt_sigprocmask, SIG_BLOCK, &mask, nullptr, sizeof(mask));
      id_.set_value(static_cast<pid_t>(syscall(SYS_gettid)));
      while (!is_stopped_) {
        checks.CompleteAll();
        std::this_thread::yield();
      }
    });
    checks.Reset(getpid(), id_.get_future().get(), CountSeccompFilters());
  }
  ~Checker() {
    is_stopped_ = true;
    thread_.join();
  }
  Checker(const Checker&) = delete;
  Checker& operator=(const Checker&) = delete;

 private:
  std::atomic<bool> is_stopped_{false};
  std::promise<pid_t> id_;
  std::thread thread_;
};

// For this thread only.
void InstallFilter() {
  sock_filter program[] = {BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)};
  const sock_fprog filter{1, program};
  ASSERT_EQ(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), 0);
  ASSERT_EQ(syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &filter), 0);
}

TEST(ForkChecks, HaveTheResultOfTheThreadThatForks) {
  ForkChecks checks;
  const Checker checker(checks);
  std::promise<void> prepared;
  std::promise<void> finished;
  std::thread filtered([&] {
    InstallFilter();
    checks.Prepare();
    prepared.set_value();
    finished.get_future().wait();
    EXPECT_FALSE(checks.Finish());
  });
  std::thread unfiltered([&] {
    prepared.get_future().wait();
    checks.Prepare();
    EXPECT_TRUE(checks.Finish());
    EXPECT_FALSE(checks.Finish());
    finished.set_value();
  });
  unfiltered.join();
  filtered.join();
}

// The agent's thread has read another number of filters since.
TEST(ForkChecks, HaveNoResultOnceTheyAreDisabled) {
  ForkChecks checks;
  const Checker checker(checks);
  std::thread([&] {
    checks.Prepare();
    EXPECT_TRUE(checks.Finish());
    checks.Prepare();
    checks.Disable();
    EXPECT_FALSE(checks.Finish());
  }).join();
}

}  // namespace
}  // namespace jemalloc_exporter
