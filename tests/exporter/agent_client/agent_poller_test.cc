#include "exporter/agent_client/agent_poller.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>

#include <algorithm>
#include <deque>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "exporter/agent_client/agent_query.h"
#include "exporter/process/process_tree.h"
#include "tests/support/fake_agent.h"
#include "tests/support/own_comm.h"

namespace jemalloc_exporter {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;
using testing::Each;
using testing::ElementsAre;
using testing::Field;
using testing::IsEmpty;
using testing::SizeIs;

constexpr milliseconds kShortTimeout{200};  // Of agents that do not respond.
// Of agents that respond, on a machine under load.
constexpr milliseconds kLongTimeout{20000};

std::vector<Process> PollFor(milliseconds time) {
  return AgentPoller().Poll(time);
}

auto Is(pid_t pid, ProcessStatus status) {
  return testing::AllOf(Field("pid", &Process::pid, pid),
                        Field("status", &Process::status, status));
}

// Whether all processes respond in a poll, before `deadline`.
bool PollUntilUsed(AgentPoller& poller, milliseconds timeout) {
  const auto deadline = steady_clock::now() + timeout;
  while (steady_clock::now() < deadline) {
    const auto processes = poller.Poll(kLongTimeout);
    if (std::all_of(processes.begin(), processes.end(),
                    [](const Process& process) {
                      return process.status == ProcessStatus::kUsed;
                    })) {
      return true;
    }
  }
  return false;
}

std::size_t CountOpenDescriptors() {
  const std::filesystem::directory_iterator listing("/proc/self/fd");
  return std::distance(begin(listing), end(listing));
}

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

// Runs in a network namespace of its own, without other agents.
class AgentPollerTest : public testing::Test {
 protected:
  static void SetUpTestSuite() {
    in_network_namespace_ = unshare(CLONE_NEWNET) == 0 ||
                            unshare(CLONE_NEWUSER | CLONE_NEWNET) == 0;
  }
  void SetUp() override {
    if (!in_network_namespace_)
      GTEST_SKIP() << "network namespaces are forbidden";
  }

  // Bodies of fake agents.
  static void RespondCorrectly(const FakeAgent& self) {
    const int listener = ListenAs({.pid = getpid()});
    self.Ready();
    Respond(listener, Document(getpid()));
  }
  static auto RespondWith(const std::string& document) {
    return [document](const FakeAgent& self) {
      const int listener = ListenAs({.pid = getpid()});
      self.Ready();
      Respond(listener, document);
    };
  }
  static auto RespondAndCount(const SharedCounter& connections) {
    return [&connections](const FakeAgent& self) {
      const int listener = ListenAs({.pid = getpid()});
      self.Ready();
      for (;;) {
        RespondOnce(listener, Document(getpid()), &connections);
      }
    };
  }
  static void NeverRespond(const FakeAgent& /*unused*/) {
    ListenAs({.pid = getpid()});
  }

  static bool in_network_namespace_;
};

bool AgentPollerTest::in_network_namespace_ = false;

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

TEST_F(AgentPollerTest, ReportsSilentAgentsAsUnreachable) {
  const FakeAgent silent(NeverRespond);
  const FakeAgent other(RespondCorrectly);
  EXPECT_THAT(PollFor(kShortTimeout),
              testing::UnorderedElementsAre(
                  Is(silent.pid(), ProcessStatus::kUnreachable),
                  Is(other.pid(), ProcessStatus::kUsed)));
}

TEST_F(AgentPollerTest, QueriesOthersWhileSilentAgentsFillTheDescriptors) {
  rlimit limit = {};
  getrlimit(RLIMIT_NOFILE, &limit);
  const rlimit few = {32, limit.rlim_max};
  std::deque<FakeAgent> silent;
  for (int i = 0; i < 50; ++i) silent.emplace_back(NeverRespond);
  const FakeAgent last(RespondCorrectly);
  setrlimit(RLIMIT_NOFILE, &few);
  const auto deadline = steady_clock::now() + kLongTimeout;
  bool found = false;
  while (!found && steady_clock::now() < deadline) {
    const auto processes = PollFor(kShortTimeout);
    EXPECT_THAT(processes, SizeIs(51));
    found = testing::Value(
        processes, testing::Contains(Is(last.pid(), ProcessStatus::kUsed)));
  }
  setrlimit(RLIMIT_NOFILE, &limit);
  EXPECT_TRUE(found);
}

TEST_F(AgentPollerTest, ReportsStoppedProcessesAsUnreachable) {
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

TEST_F(AgentPollerTest, TimesOutOnEndlessResponses) {
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

TEST_F(AgentPollerTest, OmitsEndedProcesses) {
  FakeAgent agent(RespondCorrectly);
  agent.Kill();
  EXPECT_THAT(PollFor(kLongTimeout), IsEmpty());
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

TEST_F(AgentPollerTest, WaitsForAStoppedProcessOnce) {
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

TEST_F(AgentPollerTest, HasOneConnectionToAStoppedProcess) {
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
TEST_F(AgentPollerTest, NoticesALateResponse) {
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

TEST_F(AgentPollerTest, KeepsFewConnectionsToStoppedProcesses) {
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

TEST_F(AgentPollerTest, PollsInSeveralThreads) {
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

TEST_F(AgentPollerTest, RetriesWhenTheProcessExecutesAnotherProgram) {
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

TEST_F(AgentPollerTest, OmitsAProcessThatClosesItsSocket) {
  const FakeAgent agent([](const FakeAgent& self) {
    const int listener = ListenAs({.pid = getpid()});
    self.Ready();
    AwaitConnection(listener);
    close(listener);
  });
  EXPECT_THAT(PollFor(kLongTimeout), IsEmpty());
}

// The agent of each new program ends before it responds.
TEST_F(AgentPollerTest, OmitsAProcessThatClosesItsSocketAgain) {
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

TEST_F(AgentPollerTest, ReportsRefusingAgentsAsUnreachable) {
  const FakeAgent agent([](const FakeAgent& self) {
    const int listener = ListenAs({.pid = getpid()});
    self.Ready();
    for (;;) close(accept(listener, nullptr, nullptr));
  });
  EXPECT_THAT(PollFor(kLongTimeout),
              ElementsAre(Is(agent.pid(), ProcessStatus::kUnreachable)));
}

// Another process may have its pid. Needs Linux 6.5.
TEST_F(AgentPollerTest, OmitsASocketWhoseProcessHasEnded) {
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
TEST_F(AgentPollerTest, OmitsZombies) {
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

TEST_F(AgentPollerTest, ReportsUnverifiedPidsAcrossNamespaces) {
  const FakeAgent agent(RespondCorrectly);
  const auto result = RunInPidNamespace([&] {
    const auto processes = PollFor(kLongTimeout);
    if (processes.size() != 1) return 1;
    const Process& process = processes[0];
    if (process.pid != agent.pid() || process.comm != "unverified") return 2;
    return process.start_time_seconds || process.resident_memory_bytes ? 3 : 0;
  });
  if (!result) GTEST_SKIP() << "pid namespaces are forbidden";
  EXPECT_EQ(result, 0);
}

TEST_F(AgentPollerTest, LimitsUnverifiedProcesses) {
  const FakeAgent responding(RespondCorrectly);
  const FakeAgent forger([](const FakeAgent& /*unused*/) {
    for (int i = 0; i < 600; ++i) ListenAs({.pid = 10'000'000 + i});
  });
  const auto result = RunInPidNamespace([&] {
    const auto processes = PollFor(kShortTimeout);
    if (processes.size() != kMaxUnverifiedProcesses) return 1;
    return processes[0].status == ProcessStatus::kUsed ? 0 : 2;
  });
  if (!result) GTEST_SKIP() << "pid namespaces are forbidden";
  EXPECT_EQ(result, 0);
}

bool MountProc() {
  return unshare(CLONE_NEWNS) == 0 &&
         mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0 &&
         mount("proc", "/proc", "proc", 0, nullptr) == 0;
}

TEST_F(AgentPollerTest, PrefersAVerifiedToAnUnverifiedProcessOfTheSameName) {
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

TEST_F(AgentPollerTest, ReportsTheKernelsPidOfContainerProcesses) {
  const FakeAgent agent([](const FakeAgent& self) {
    RunInPidNamespace([&] {
      RespondCorrectly(self);
      return 0;
    });
    _exit(0);
  });
  if (agent.pid() == 0) GTEST_SKIP() << "pid namespaces are forbidden";
  const auto processes = PollFor(kLongTimeout);
  ASSERT_THAT(processes, SizeIs(1));
  EXPECT_EQ(processes[0].status, ProcessStatus::kUsed);
  EXPECT_GT(processes[0].pid, agent.pid());
  EXPECT_GT(processes[0].start_time_seconds, 0);
}

TEST_F(AgentPollerTest, FindsIncludedProcessesOfNestedPidNamespaces) {
  const FakeAgent agent([](const FakeAgent& self) {
    RunInPidNamespace([&] {
      RespondCorrectly(self);
      return 0;
    });
    _exit(0);
  });
  if (agent.pid() == 0) GTEST_SKIP() << "pid namespaces are forbidden";
  AgentPoller poller({.includes = [&](pid_t pid) {
    return pid > 1 && IsDescendant(pid, agent.pid());
  }});
  for (int poll = 0; poll < 3; ++poll) {
    EXPECT_THAT(poller.Poll(kLongTimeout),
                ElementsAre(Field(&Process::status, ProcessStatus::kUsed)));
  }
}

TEST_F(AgentPollerTest,
       ConnectsOnceToAnotherNamespacesProcessOfIncludedNumber) {
  const SharedCounter connections;
  const FakeAgent agent([&](const FakeAgent& self) {
    RunInPidNamespace([&] {
      RespondAndCount(connections)(self);
      return 0;
    });
    _exit(0);
  });
  if (agent.pid() == 0) GTEST_SKIP() << "pid namespaces are forbidden";
  AgentPoller poller({.includes = [](pid_t pid) { return pid == 1; }});
  for (int poll = 0; poll < 3; ++poll)
    EXPECT_THAT(poller.Poll(kLongTimeout), IsEmpty());
  EXPECT_LE(connections.value(), 1);  // 0 while it has yet to be accepted.
}

TEST_F(AgentPollerTest, OmitsUnverifiedPidsUnlessTheFilterIncludesThem) {
  const FakeAgent agent(RespondCorrectly);
  const auto result = RunInPidNamespace([&] {
    const auto is_agent = [&](pid_t pid) { return pid == agent.pid(); };
    const auto without = AgentPoller({.includes = is_agent}).Poll(kLongTimeout);
    const auto with =
        AgentPoller({.includes = is_agent, .includes_unverified = true})
            .Poll(kLongTimeout);
    return without.empty() && with.size() == 1 ? 0 : 1;
  });
  if (!result) GTEST_SKIP() << "pid namespaces are forbidden";
  EXPECT_EQ(result, 0);
}

TEST_F(AgentPollerTest, ConnectsToNoAgentAfterTheDeadline) {
  const FakeAgent agent(RespondCorrectly);
  EXPECT_THAT(PollFor(milliseconds(-1)),
              ElementsAre(Is(agent.pid(), ProcessStatus::kUnreachable)));
}

}  // namespace
}  // namespace jemalloc_exporter
