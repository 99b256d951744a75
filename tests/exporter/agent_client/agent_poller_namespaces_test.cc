#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <functional>
#include <optional>

#include "exporter/agent_client/agent_poller.h"
#include "exporter/agent_client/poll_loop.h"
#include "exporter/process/process_tree.h"
#include "tests/support/agent_poller_fixture.h"
#include "tests/support/fake_agent.h"
#include "tests/support/own_comm.h"

namespace jemalloc_exporter {
namespace {

using testing::ElementsAre;
using testing::Field;
using testing::IsEmpty;
using testing::SizeIs;

// Returns the result of `body` in the first process of a pid namespace; absent
// where pid namespaces are forbidden.
std::optional<int> RunInPidNamespace(const std::function<int()>& body) {
  constexpr int kForbidden = 99;
  const pid_t outer = fork();
  if (outer == 0) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (unshare(CLONE_NEWPID) != 0) _exit(kForbidden);
    const pid_t inner = fork();
    if (inner == 0) {
      prctl(PR_SET_PDEATHSIG, SIGKILL);
      _exit(body());
    }
    int status = 0;
    waitpid(inner, &status, 0);
    _exit(WEXITSTATUS(status));
  }
  int status = 0;
  waitpid(outer, &status, 0);
  if (WEXITSTATUS(status) == kForbidden) return std::nullopt;
  return WEXITSTATUS(status);
}

// `body` of a fake agent, in the first process of a pid namespace.
auto InPidNamespace(const std::function<void(const FakeAgent&)>& body) {
  return [body](const FakeAgent& self) {
    RunInPidNamespace([&] {
      body(self);
      return 0;
    });
    _exit(0);
  };
}

class AgentPollerNamespaces : public AgentPollerTest {
 protected:
  // Skips the test where pid namespaces are forbidden.
  static void ExpectZeroInPidNamespace(const std::function<int()>& body) {
    const auto result = RunInPidNamespace(body);
    if (!result) GTEST_SKIP() << "pid namespaces are forbidden";
    EXPECT_EQ(result, 0);
  }
};

TEST_F(AgentPollerNamespaces, ReportsUnverifiedPidsAcrossNamespaces) {
  const FakeAgent agent(RespondCorrectly);
  ExpectZeroInPidNamespace([&] {
    const auto processes = PollFor(kLongTimeout);
    if (processes.size() != 1) return 1;
    const Process& process = processes[0];
    if (process.pid != agent.pid() || process.comm != "unverified") return 2;
    return process.start_time_seconds || process.resident_memory_bytes ? 3 : 0;
  });
}

// A process with this pid here, which the profile is read of, is another one.
TEST_F(AgentPollerNamespaces, ReportsNoSocketForProfilesOfUnverifiedPids) {
  const FakeAgent agent([](const FakeAgent& self) {
    ListenForProfiles({.pid = getpid()});
    RespondCorrectly(self);
  });
  ASSERT_TRUE(PollFor(kLongTimeout).at(0).has_profile_socket);
  ExpectZeroInPidNamespace([&] {
    const auto processes = PollFor(kLongTimeout);
    if (processes.size() != 1 || !processes[0].pid_is_unverified) return 1;
    return processes[0].has_profile_socket ? 2 : 0;
  });
}

TEST_F(AgentPollerNamespaces, LimitsUnverifiedProcesses) {
  const FakeAgent responding(RespondCorrectly);
  const FakeAgent forger([](const FakeAgent& /*unused*/) {
    for (int i = 0; i < 600; ++i) ListenAs({.pid = 10'000'000 + i});
  });
  ExpectZeroInPidNamespace([&] {
    const auto processes = PollFor(kShortTimeout);
    if (processes.size() != kMaxUnverifiedProcesses) return 1;
    return processes[0].status == ProcessStatus::kUsed ? 0 : 2;
  });
}

bool MountProc() {
  return unshare(CLONE_NEWNS) == 0 &&
         mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0 &&
         mount("proc", "/proc", "proc", 0, nullptr) == 0;
}

TEST_F(AgentPollerNamespaces,
       PrefersAVerifiedToAnUnverifiedProcessOfTheSameName) {
  constexpr pid_t kPid = 2;  // Of the first child in a pid namespace.
  const FakeAgent forger([](const FakeAgent& self) {
    const int listener = ListenAs({.pid = kPid, .instance = 2});
    self.Ready();
    Respond(listener, Document(kPid, OwnComm()));
  });
  constexpr int kNoProc = 98;
  const auto result = RunInPidNamespace([&] {
    if (!MountProc()) return kNoProc;
    const FakeAgent agent(RespondCorrectly);
    const auto processes = PollFor(kLongTimeout);
    // ThreadSanitizer's own thread may have the pid.
    if (agent.pid() != kPid) return kNoProc;
    if (processes.size() != 1) return 1;
    return processes[0].pid_is_unverified ? 2 : 0;
  });
  if (!result || result == kNoProc)
    GTEST_SKIP() << "pid namespaces are forbidden";
  EXPECT_EQ(result, 0);
}

TEST_F(AgentPollerNamespaces, ReportsTheKernelsPidOfContainerProcesses) {
  const FakeAgent agent(InPidNamespace(RespondCorrectly));
  if (agent.pid() == 0) GTEST_SKIP() << "pid namespaces are forbidden";
  const auto processes = PollFor(kLongTimeout);
  ASSERT_THAT(processes, SizeIs(1));
  EXPECT_EQ(processes[0].status, ProcessStatus::kUsed);
  EXPECT_GT(processes[0].pid, agent.pid());
  EXPECT_GT(processes[0].start_time_seconds, 0);
}

TEST_F(AgentPollerNamespaces, FindsIncludedProcessesOfNestedPidNamespaces) {
  const FakeAgent agent(InPidNamespace(RespondCorrectly));
  if (agent.pid() == 0) GTEST_SKIP() << "pid namespaces are forbidden";
  AgentPoller poller({.includes = [&](pid_t pid) {
    return pid > 1 && IsDescendant(pid, agent.pid());
  }});
  for (int poll = 0; poll < 3; ++poll) {
    EXPECT_THAT(poller.Poll(kLongTimeout),
                ElementsAre(Field(&Process::status, ProcessStatus::kUsed)));
  }
}

TEST_F(AgentPollerNamespaces,
       ConnectsOnceToAnotherNamespacesProcessOfIncludedNumber) {
  const SharedCounter connections;
  const FakeAgent agent(InPidNamespace(RespondAndCount(connections)));
  if (agent.pid() == 0) GTEST_SKIP() << "pid namespaces are forbidden";
  AgentPoller poller({.includes = [](pid_t pid) { return pid == 1; }});
  for (int poll = 0; poll < 3; ++poll)
    EXPECT_THAT(poller.Poll(kLongTimeout), IsEmpty());
  EXPECT_LE(connections.value(), 1);  // 0 while it has yet to be accepted.
}

TEST_F(AgentPollerNamespaces, OmitsUnverifiedPidsUnlessTheFilterIncludesThem) {
  const FakeAgent agent(RespondCorrectly);
  ExpectZeroInPidNamespace([&] {
    const auto is_agent = [&](pid_t pid) { return pid == agent.pid(); };
    const auto without = AgentPoller({.includes = is_agent}).Poll(kLongTimeout);
    const auto with =
        AgentPoller({.includes = is_agent, .includes_unverified = true})
            .Poll(kLongTimeout);
    return without.empty() && with.size() == 1 ? 0 : 1;
  });
}

}  // namespace
}  // namespace jemalloc_exporter
