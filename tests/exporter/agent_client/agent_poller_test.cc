#include "exporter/agent_client/agent_poller.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <deque>
#include <optional>
#include <string>
#include <vector>

#include "tests/support/agent_poller_fixture.h"
#include "tests/support/fake_agent.h"
#include "tests/support/own_comm.h"

namespace jemalloc_exporter {
namespace {

using std::chrono::steady_clock;
using testing::AllOf;
using testing::Each;
using testing::ElementsAre;
using testing::Field;
using testing::IsEmpty;
using testing::SizeIs;
using testing::UnorderedElementsAre;

TEST_F(AgentPollerTest, ReturnsNothingWithoutAgents) {
  EXPECT_THAT(PollFor(kLongTimeout), IsEmpty());
}

TEST_F(AgentPollerTest, CombinesTheResponseWithProcData) {
  const FakeAgent agent(RespondCorrectly);
  const auto processes = PollFor(kLongTimeout);
  ASSERT_THAT(processes, ElementsAre(Is(agent.pid(), ProcessStatus::kUsed)));
  const Process& process = processes[0];
  EXPECT_EQ(process.jemalloc_version, "5.3.0");
  EXPECT_EQ(process.heap_state.allocated_bytes, 7);
  EXPECT_GT(process.resident_memory_bytes, 0);
  EXPECT_GT(process.start_time_seconds, 1.6e9);
}

TEST_F(AgentPollerTest, ReportsWhichProcessesHaveASocketForProfiles) {
  const FakeAgent without(RespondCorrectly);
  const FakeAgent with([](const FakeAgent& self) {
    ListenForProfiles({.pid = getpid(), .instance = 3});
    RespondCorrectly(self);
  });
  const FakeAgent without_too(RespondCorrectly);
  const auto has_socket = [](bool value) {
    return Field("has_profile_socket", &Process::has_profile_socket, value);
  };
  EXPECT_THAT(
      PollFor(kLongTimeout),
      UnorderedElementsAre(
          AllOf(Is(without.pid(), ProcessStatus::kUsed), has_socket(false)),
          AllOf(Is(with.pid(), ProcessStatus::kUsed), has_socket(true)),
          AllOf(Is(without_too.pid(), ProcessStatus::kUsed),
                has_socket(false))));
}

TEST_F(AgentPollerTest, QueriesOnlyFilteredPids) {
  const FakeAgent silent(NeverRespond);
  const FakeAgent agent(RespondCorrectly);
  const auto processes = AgentPoller({.includes = [&](pid_t pid) {
                           return pid != silent.pid();
                         }}).Poll(kLongTimeout);
  EXPECT_THAT(processes, ElementsAre(Is(agent.pid(), ProcessStatus::kUsed)));
}

TEST_F(AgentPollerTest, ConnectsToIncludedProcessesOnly) {
  const SharedCounter excluded_connections;
  const FakeAgent excluded(RespondAndCount(excluded_connections));
  const SharedCounter connections;
  const FakeAgent agent(RespondAndCount(connections));
  AgentPoller poller(
      {.includes = [&](pid_t pid) { return pid == agent.pid(); }});
  for (int poll = 0; poll < 3; ++poll) {
    EXPECT_THAT(poller.Poll(kLongTimeout),
                ElementsAre(Is(agent.pid(), ProcessStatus::kUsed)));
  }
  EXPECT_EQ(connections.value(), 3);
  EXPECT_EQ(excluded_connections.value(), 0);
}

// Two sockets of the same name, one after the other.
TEST_F(AgentPollerTest, EvaluatesTheFilterForEachSocketAnew) {
  std::optional<pid_t> included;
  AgentPoller poller({.includes = [&](pid_t pid) { return pid == included; }});
  const FakeAgent agent([](const FakeAgent& self) {
    int listener = ListenAs({.pid = getpid()});
    self.Ready();
    RespondOnce(listener, Document(getpid()));
    close(listener);
    listener = ListenAs({.pid = getpid()});
    Respond(listener, Document(getpid()));
  });
  EXPECT_THAT(poller.Poll(kLongTimeout), IsEmpty());
  EXPECT_THAT(PollFor(kLongTimeout),
              SizeIs(1));  // Its first socket is closed now.
  included = agent.pid();
  const auto deadline = steady_clock::now() + kLongTimeout;
  while (poller.Poll(kLongTimeout).empty() && steady_clock::now() < deadline) {
  }
  EXPECT_THAT(poller.Poll(kLongTimeout),
              ElementsAre(Is(agent.pid(), ProcessStatus::kUsed)));
}

TEST_F(AgentPollerTest, PrefersTheKernelsComm) {
  const FakeAgent agent(RespondCorrectly);
  const auto processes = PollFor(kLongTimeout);
  ASSERT_THAT(processes, SizeIs(1));
  EXPECT_EQ(processes[0].comm, OwnComm());
}

TEST_F(AgentPollerTest, DistinguishesUnusedHeaps) {
  const FakeAgent agent([](const FakeAgent& self) {
    std::string document = Document(getpid());
    document.replace(document.find("used"), 4, "unused");
    RespondWith(document)(self);
  });
  const auto processes = PollFor(kLongTimeout);
  ASSERT_THAT(processes, ElementsAre(Is(agent.pid(), ProcessStatus::kUnused)));
  EXPECT_EQ(processes[0].heap_state, HeapState{});
}

TEST_F(AgentPollerTest, QueriesManyAgentsConcurrentlyInOrder) {
  std::deque<FakeAgent> agents;
  std::vector<pid_t> expected;
  for (int i = 0; i < 200; ++i) {
    expected.push_back(agents.emplace_back(RespondCorrectly).pid());
  }
  std::sort(expected.begin(), expected.end());
  std::vector<pid_t> used;
  for (const Process& process : PollFor(kLongTimeout)) {
    if (process.status == ProcessStatus::kUsed) used.push_back(process.pid);
  }
  EXPECT_EQ(used, expected);
}

TEST_F(AgentPollerTest, QueriesMoreAgentsThanDescriptors) {
  rlimit limit = {};
  getrlimit(RLIMIT_NOFILE, &limit);
  const rlimit few = {32, limit.rlim_max};
  std::deque<FakeAgent> agents;
  for (int i = 0; i < 50; ++i) agents.emplace_back(RespondCorrectly);
  setrlimit(RLIMIT_NOFILE, &few);
  const auto processes = PollFor(kLongTimeout);
  setrlimit(RLIMIT_NOFILE, &limit);
  EXPECT_THAT(processes, SizeIs(50));
  EXPECT_THAT(processes, Each(Field(&Process::status, ProcessStatus::kUsed)));
}

TEST_F(AgentPollerTest, ReportsInvalidDocumentsAsUnreachable) {
  for (const std::string& document :
       {std::string(), std::string("x"), std::string("{}"),
        Document(1).substr(0, 50), Document(1), Document(-1),
        Document(1, "\xFF"), std::string(1000000, ' ')}) {
    const FakeAgent agent(RespondWith(document));
    const FakeAgent other(RespondCorrectly);
    const auto processes = PollFor(kLongTimeout);
    EXPECT_THAT(processes, testing::UnorderedElementsAre(
                               Is(agent.pid(), ProcessStatus::kUnreachable),
                               Is(other.pid(), ProcessStatus::kUsed)))
        << document.substr(0, 100);
    EXPECT_THAT(processes, Each(Field(&Process::comm, OwnComm())));
  }
}

TEST_F(AgentPollerTest, RetriesWhenBacklogIsFull) {
  const FakeAgent agent([](const FakeAgent& self) {
    const int listener = ListenAs({.pid = getpid()}, 0);
    const int client = socket(AF_UNIX, SOCK_STREAM, 0);
    sockaddr_un address;
    const socklen_t size = WriteAddress({.pid = getpid()}, &address);
    if (connect(client, reinterpret_cast<sockaddr*>(&address), size) != 0) {
      _exit(1);
    }
    self.Ready();
    usleep(50000);
    Respond(listener, Document(getpid()));
  });
  EXPECT_THAT(PollFor(kLongTimeout),
              ElementsAre(Is(agent.pid(), ProcessStatus::kUsed)));
}

TEST_F(AgentPollerTest, RejectsSocketsNamedForAnotherProcess) {
  const FakeAgent victim(NeverRespond);
  const pid_t other = getpid();
  const FakeAgent forger([&](const FakeAgent& self) {
    const int listener = ListenAs({.pid = other});
    ListenAs({.pid = victim.pid(), .instance = 2});
    self.Ready();
    Respond(listener, Document(other));
  });
  EXPECT_THAT(PollFor(kShortTimeout),
              ElementsAre(Is(victim.pid(), ProcessStatus::kUnreachable)));
}

TEST_F(AgentPollerTest, ReportsAProcessOnce) {
  const FakeAgent agent([](const FakeAgent& self) {
    for (int instance = 2; instance <= kMaxInstance; ++instance) {
      ListenAs({.pid = getpid(), .instance = instance});
    }
    RespondCorrectly(self);
  });
  EXPECT_THAT(PollFor(kShortTimeout),
              ElementsAre(Is(agent.pid(), ProcessStatus::kUsed)));
}

TEST_F(AgentPollerTest, FindsAgentsAmongThousandsOfForgedSockets) {
  constexpr int kForged = 10000;
  const FakeAgent first(RespondCorrectly);
  const FakeAgent forger([](const FakeAgent& /*unused*/) {
    rlimit limit = {};
    getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
    for (int i = 0; i < kForged; ++i) ListenAs({.pid = 10'000'000 + i});
  });
  if (forger.pid() == 0) GTEST_SKIP() << "too few descriptors";
  const FakeAgent last(RespondCorrectly);
  EXPECT_THAT(PollFor(kLongTimeout), testing::UnorderedElementsAre(
                                         Is(first.pid(), ProcessStatus::kUsed),
                                         Is(last.pid(), ProcessStatus::kUsed)));
}

}  // namespace
}  // namespace jemalloc_exporter
