#include "exporter/cli/process_exit.h"

#include <gtest/gtest.h>
#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <optional>

namespace jemalloc_exporter {
namespace {

constexpr int kDeadlineMs = 30'000;

// A child process that runs until it is killed.
class ProcessExitTest : public testing::Test {
 protected:
  ProcessExitTest() : child_(fork()) {
    if (child_ == 0) {
      while (true) pause();
    }
  }
  ~ProcessExitTest() override { Kill(SIGKILL); }

  void Kill(int signal) const {
    kill(child_, signal);
    waitpid(child_, nullptr, 0);
  }

  static bool BecomesReadable(int fd) {
    pollfd ready = {fd, POLLIN, 0};
    return poll(&ready, 1, kDeadlineMs) == 1;
  }

  const pid_t child_;
};

TEST_F(ProcessExitTest, PidfdIsReadableWhenTheProcessHasExited) {
  const int fd = OpenPidfd(child_);
  if (fd < 0) GTEST_SKIP() << "no pidfd_open(2)";
  EXPECT_FALSE(HasExited(fd));
  kill(child_, SIGKILL);
  EXPECT_TRUE(BecomesReadable(fd));
  EXPECT_TRUE(HasExited(fd));
  close(fd);
}

TEST_F(ProcessExitTest, PollingReportsAZombieAsExited) {
  const int fd = PollForExit(child_);
  ASSERT_GE(fd, 0);
  EXPECT_FALSE(HasExited(fd));
  kill(child_, SIGKILL);
  EXPECT_TRUE(BecomesReadable(fd));
  close(fd);
}

TEST_F(ProcessExitTest, PollingReportsAMissingProcessAsExited) {
  Kill(SIGKILL);
  const int fd = PollForExit(child_);
  ASSERT_GE(fd, 0);
  EXPECT_TRUE(BecomesReadable(fd));
  close(fd);
}

TEST_F(ProcessExitTest, TerminationSignalIsThatOfAZombie) {
  const int fd = OpenPidfd(child_);
  if (fd < 0) GTEST_SKIP() << "no pidfd_open(2)";
  EXPECT_EQ(TerminationSignal(fd, child_), std::nullopt);
  kill(child_, SIGTERM);
  ASSERT_TRUE(BecomesReadable(fd));
  EXPECT_EQ(TerminationSignal(fd, child_), SIGTERM);
  close(fd);
}

TEST(ShellExitStatus, IsTheStatusOr128AndTheSignal) {
  EXPECT_EQ(ShellExitStatus(W_EXITCODE(0, 0)), 0);
  EXPECT_EQ(ShellExitStatus(W_EXITCODE(7, 0)), 7);
  EXPECT_EQ(ShellExitStatus(W_EXITCODE(255, 0)), 255);
  EXPECT_EQ(ShellExitStatus(W_EXITCODE(0, SIGKILL)), 137);
  EXPECT_EQ(ShellExitStatus(W_EXITCODE(0, SIGABRT) | WCOREFLAG), 134);
}

}  // namespace
}  // namespace jemalloc_exporter
