#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>

#include "exporter/agent_client/agent_poller.h"
#include "tests/support/agent_poller_fixture.h"
#include "tests/support/fake_agent.h"

namespace jemalloc_exporter {
namespace {

using testing::Each;
using testing::ElementsAre;
using testing::IsEmpty;

using AgentPollerEnded = AgentPollerTest;

bool HasPeerPidfd() {
  constexpr int kPeerPidfd = 77;
  int pair[2];
  if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair) != 0) return false;
  int pidfd = -1;
  socklen_t size = sizeof(pidfd);
  const bool has =
      getsockopt(pair[0], SOL_SOCKET, kPeerPidfd, &pidfd, &size) == 0;
  for (const int descriptor : {pair[0], pair[1], pidfd}) close(descriptor);
  return has;
}

void AwaitZombie(pid_t pid) {
  siginfo_t info;
  waitid(P_PID, static_cast<id_t>(pid), &info, WEXITED | WNOWAIT);
}

TEST_F(AgentPollerEnded, OmitsEndedProcesses) {
  FakeAgent agent(RespondCorrectly);
  agent.Kill();
  EXPECT_THAT(PollFor(kLongTimeout), IsEmpty());
}

TEST_F(AgentPollerEnded, RetriesWhenTheProcessExecutesAnotherProgram) {
  std::size_t used = 0;
  // It is omitted if the retry finds the name between its two sockets.
  for (int attempt = 0; attempt < 50 && used == 0; ++attempt) {
    const FakeAgent agent([](const FakeAgent& self) {
      int listener = ListenAs({.pid = getpid()});
      self.Ready();
      AwaitConnection(listener);
      close(listener);
      listener = ListenAs({.pid = getpid()});
      Respond(listener, Document(getpid()));
    });
    const auto processes = PollFor(kLongTimeout);
    EXPECT_THAT(processes, Each(Is(agent.pid(), ProcessStatus::kUsed)));
    used += processes.size();
  }
  EXPECT_EQ(used, 1);
}

TEST_F(AgentPollerEnded, OmitsAProcessThatClosesItsSocket) {
  const FakeAgent agent([](const FakeAgent& self) {
    const int listener = ListenAs({.pid = getpid()});
    self.Ready();
    AwaitConnection(listener);
    close(listener);
  });
  EXPECT_THAT(PollFor(kLongTimeout), IsEmpty());
}

// The agent of each new program ends before it responds.
TEST_F(AgentPollerEnded, OmitsAProcessThatClosesItsSocketAgain) {
  const FakeAgent agent([](const FakeAgent& self) {
    int listener = ListenAs({.pid = getpid()});
    self.Ready();
    for (;;) {
      AwaitConnection(listener);
      close(accept(listener, nullptr, nullptr));
      close(listener);
      listener = ListenAs({.pid = getpid()});
    }
  });
  EXPECT_THAT(PollFor(kLongTimeout), IsEmpty());
}

TEST_F(AgentPollerEnded, ReportsRefusingAgentsAsUnreachable) {
  const FakeAgent agent([](const FakeAgent& self) {
    const int listener = ListenAs({.pid = getpid()});
    self.Ready();
    for (;;) close(accept(listener, nullptr, nullptr));
  });
  EXPECT_THAT(PollFor(kLongTimeout),
              ElementsAre(Is(agent.pid(), ProcessStatus::kUnreachable)));
}

// Another process may have its pid. Needs Linux 6.5.
TEST_F(AgentPollerEnded, OmitsASocketWhoseProcessHasEnded) {
  const SharedCounter holder;
  FakeAgent ended([&](const FakeAgent& self) {
    const pid_t pid = getpid();
    const int listener = ListenAs({.pid = pid});
    if (fork() != 0) _exit(0);
    holder.Set(getpid());
    self.Ready();
    Respond(listener, Document(pid));
  });
  ended.Wait();
  const auto processes = PollFor(kLongTimeout);
  ASSERT_GT(holder.value(), 0);
  kill(holder.value(), SIGKILL);
  if (!HasPeerPidfd()) GTEST_SKIP() << "SO_PEERPIDFD is not available";
  EXPECT_THAT(processes, IsEmpty());
}

// A child of it holds the socket.
TEST_F(AgentPollerEnded, OmitsZombies) {
  int test_ends[2];
  ASSERT_EQ(pipe(test_ends), 0);
  const FakeAgent zombie([&](const FakeAgent& self) {
    ListenAs({.pid = getpid()});
    if (fork() != 0) _exit(0);
    self.Ready();
    close(test_ends[1]);
    char byte = 0;
    _exit(read(test_ends[0], &byte, 1) < 0 ? 1 : 0);
  });
  AwaitZombie(zombie.pid());
  EXPECT_THAT(PollFor(kShortTimeout), IsEmpty());
  close(test_ends[0]);
  close(test_ends[1]);
}

}  // namespace
}  // namespace jemalloc_exporter
