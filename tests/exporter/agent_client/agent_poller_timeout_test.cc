#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/resource.h>
#include <unistd.h>

#include <chrono>
#include <deque>
#include <filesystem>
#include <iterator>
#include <string>
#include <thread>
#include <vector>

#include "exporter/agent_client/agent_poller.h"
#include "exporter/agent_client/poll_loop.h"
#include "tests/support/agent_poller_fixture.h"
#include "tests/support/fake_agent.h"

namespace jemalloc_exporter {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;
using testing::Each;
using testing::ElementsAre;
using testing::SizeIs;

using AgentPollerTimeout = AgentPollerTest;

std::size_t CountOpenDescriptors() {
  const std::filesystem::directory_iterator listing("/proc/self/fd");
  return std::distance(begin(listing), end(listing));
}

TEST_F(AgentPollerTimeout, ReportsSilentAgentsAsUnreachable) {
  const FakeAgent silent(NeverRespond);
  const FakeAgent other(RespondCorrectly);
  EXPECT_THAT(PollFor(kShortTimeout),
              testing::UnorderedElementsAre(
                  Is(silent.pid(), ProcessStatus::kUnreachable),
                  Is(other.pid(), ProcessStatus::kUsed)));
}

TEST_F(AgentPollerTimeout, QueriesOthersWhileSilentAgentsFillTheDescriptors) {
  rlimit limit = {};
  getrlimit(RLIMIT_NOFILE, &limit);
  const rlimit few = {32, limit.rlim_max};
  std::deque<FakeAgent> silent;
  for (int i = 0; i < 50; ++i) silent.emplace_back(NeverRespond);
  const FakeAgent last(RespondCorrectly);
  setrlimit(RLIMIT_NOFILE, &few);
  const auto processes = PollFor(milliseconds(3000));
  setrlimit(RLIMIT_NOFILE, &limit);
  EXPECT_THAT(processes, SizeIs(51));
  EXPECT_THAT(processes,
              testing::Contains(Is(last.pid(), ProcessStatus::kUsed)));
}

TEST_F(AgentPollerTimeout, ReportsStoppedProcessesAsUnreachable) {
  const FakeAgent stopped(RespondCorrectly);
  const FakeAgent other(RespondCorrectly);
  stopped.Stop();
  // Each poll leaves a connection in the backlog, until that is full.
  for (int poll = 0; poll < 30; ++poll) {
    EXPECT_THAT(
        PollFor(milliseconds(20)),
        testing::Contains(Is(stopped.pid(), ProcessStatus::kUnreachable)));
  }
  EXPECT_THAT(PollFor(kShortTimeout),
              testing::UnorderedElementsAre(
                  Is(stopped.pid(), ProcessStatus::kUnreachable),
                  Is(other.pid(), ProcessStatus::kUsed)));
}

TEST_F(AgentPollerTimeout, WaitsForAStoppedProcessOnce) {
  const FakeAgent stopped(RespondCorrectly);
  stopped.Stop();
  AgentPoller poller;
  const milliseconds timeout(2000);
  const auto poll = [&] {
    const auto begin = steady_clock::now();
    EXPECT_THAT(poller.Poll(timeout),
                ElementsAre(Is(stopped.pid(), ProcessStatus::kUnreachable)));
    return steady_clock::now() - begin;
  };
  EXPECT_GE(poll(), timeout);
  for (int i = 0; i < 5; ++i) EXPECT_LT(poll(), timeout / 2);
}

TEST_F(AgentPollerTimeout, HasOneConnectionToAStoppedProcess) {
  const SharedCounter connections;
  const FakeAgent agent(RespondAndCount(connections));
  agent.Stop();
  AgentPoller poller;
  for (int i = 0; i < 20; ++i) poller.Poll(kShortTimeout);
  agent.Continue();
  EXPECT_TRUE(PollUntilUsed(poller, kLongTimeout));
  EXPECT_LE(connections.value(), 3);  // Kept, retried as it continued, current.
}

// It takes longer than the timeout for unresponsive agents.
TEST_F(AgentPollerTimeout, NoticesALateResponse) {
  const FakeAgent agent([](const FakeAgent& self) {
    const int listener = ListenAs({.pid = getpid()});
    self.Ready();
    for (;;) {
      const int client = accept(listener, nullptr, nullptr);
      usleep(10 * std::chrono::microseconds(kUnresponsiveTimeout).count());
      SendAndClose(client, Document(getpid()));
    }
  });
  AgentPoller poller;
  EXPECT_THAT(poller.Poll(2 * kUnresponsiveTimeout),
              ElementsAre(Is(agent.pid(), ProcessStatus::kUnreachable)));
  EXPECT_TRUE(PollUntilUsed(poller, kLongTimeout));
}

TEST_F(AgentPollerTimeout, KeepsFewConnectionsToStoppedProcesses) {
  rlimit limit = {};
  getrlimit(RLIMIT_NOFILE, &limit);
  const rlimit few = {64, limit.rlim_max};
  std::deque<FakeAgent> silent;
  for (int i = 0; i < 50; ++i) silent.emplace_back(NeverRespond);
  AgentPoller poller;
  const std::size_t before = CountOpenDescriptors();
  setrlimit(RLIMIT_NOFILE, &few);
  poller.Poll(kShortTimeout);
  const std::size_t after = CountOpenDescriptors();
  EXPECT_THAT(poller.Poll(kShortTimeout), SizeIs(50));
  setrlimit(RLIMIT_NOFILE, &limit);
  EXPECT_LE(after, before + 16);  // Half of half of the limit.
}

TEST_F(AgentPollerTimeout, PollsInSeveralThreads) {
  const FakeAgent silent(NeverRespond);
  const FakeAgent agent(RespondCorrectly);
  AgentPoller poller;
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&] {
      for (int poll = 0; poll < 5; ++poll) {
        EXPECT_THAT(poller.Poll(kShortTimeout),
                    testing::UnorderedElementsAre(
                        Is(silent.pid(), ProcessStatus::kUnreachable),
                        Is(agent.pid(), ProcessStatus::kUsed)));
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
}

TEST_F(AgentPollerTimeout, TimesOutOnEndlessResponses) {
  const FakeAgent endless([](const FakeAgent& self) {
    const int listener = ListenAs({.pid = getpid()});
    self.Ready();
    const int client = accept(listener, nullptr, nullptr);
    while (send(client, "          ", 10, MSG_NOSIGNAL) > 0) {
    }
  });
  const FakeAgent dripping([](const FakeAgent& self) {
    const int listener = ListenAs({.pid = getpid()});
    self.Ready();
    const int client = accept(listener, nullptr, nullptr);
    for (const char byte : Document(getpid())) {
      send(client, &byte, 1, MSG_NOSIGNAL);
      sleep(1);
    }
  });
  EXPECT_THAT(PollFor(kShortTimeout),
              testing::UnorderedElementsAre(
                  Is(endless.pid(), ProcessStatus::kUnreachable),
                  Is(dripping.pid(), ProcessStatus::kUnreachable)));
}

TEST_F(AgentPollerTimeout, EndsAnEndlessResponseBeforeTheTimeout) {
  const FakeAgent endless([](const FakeAgent& self) {
    const int listener = ListenAs({.pid = getpid()});
    self.Ready();
    const std::string spaces(1000, ' ');
    const int client = accept(listener, nullptr, nullptr);
    while (send(client, spaces.data(), spaces.size(), MSG_NOSIGNAL) > 0) {
    }
  });
  const auto start = steady_clock::now();
  EXPECT_THAT(PollFor(kLongTimeout),
              ElementsAre(Is(endless.pid(), ProcessStatus::kUnreachable)));
  EXPECT_LT(steady_clock::now() - start, kLongTimeout / 2);
}

TEST_F(AgentPollerTimeout, ConnectsToNoAgentAfterTheDeadline) {
  const FakeAgent agent(RespondCorrectly);
  EXPECT_THAT(PollFor(milliseconds(-1)),
              ElementsAre(Is(agent.pid(), ProcessStatus::kUnreachable)));
}

}  // namespace
}  // namespace jemalloc_exporter
