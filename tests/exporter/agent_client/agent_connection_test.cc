#include "exporter/agent_client/agent_connection.h"

#include <gtest/gtest.h>
#include <linux/sched.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdint>
#include <optional>

#include "exporter/connector/connect_request.h"
#include "exporter/process/proc_stat.h"
#include "tests/support/fake_agent.h"

namespace jemalloc_exporter {
namespace {

// A child with this pid, which has to be free; -1 with errno.
pid_t ForkAs(pid_t pid) {
  clone_args arguments = {};
  arguments.exit_signal = SIGCHLD;
  arguments.set_tid = reinterpret_cast<std::uint64_t>(&pid);
  arguments.set_tid_size = 1;
  const auto child =
      static_cast<pid_t>(syscall(SYS_clone3, &arguments, sizeof(arguments)));
  if (child == 0) {
    for (;;) pause();
  }
  return child;
}

void KillAndReap(pid_t pid) {
  kill(pid, SIGKILL);
  waitpid(pid, nullptr, 0);
}

TEST(AgentConnection, HasNoProcessThatHasReusedThePid) {
  FakeAgent agent(
      [](const FakeAgent& /*unused*/) { ListenAs({.pid = getpid()}); });
  const pid_t pid = agent.pid();
  ASSERT_GT(pid, 0);
  AgentConnection connection({.name = {.pid = pid}});
  connection.Connect(ConnectSocket(connection.request()),
                     [](const AgentAddress&, pid_t) { return true; });
  ASSERT_EQ(connection.state(), AgentConnection::State::kConnected);
  ASSERT_TRUE(connection.ToProcess());
  const double start = ReadProcStat(pid)->start_time_seconds;
  agent.Kill();

  if (ForkAs(pid) < 0) GTEST_SKIP() << "cannot choose a pid: " << errno;
  while (ReadProcStat(pid)->start_time_seconds == start) {
    KillAndReap(pid);
    ASSERT_EQ(ForkAs(pid), pid);
  }
  EXPECT_FALSE(connection.ToProcess());
  KillAndReap(pid);
}

}  // namespace
}  // namespace jemalloc_exporter
