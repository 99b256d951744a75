#ifndef JEMALLOC_EXPORTER_TESTS_SUPPORT_AGENT_POLLER_FIXTURE_H_
#define JEMALLOC_EXPORTER_TESTS_SUPPORT_AGENT_POLLER_FIXTURE_H_

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sched.h>

#include <algorithm>
#include <chrono>
#include <string>
#include <vector>

#include "exporter/agent_client/agent_poller.h"
#include "tests/support/fake_agent.h"

namespace jemalloc_exporter {

// Of agents that do not respond.
inline constexpr std::chrono::milliseconds kShortTimeout{200};
// Of agents that respond, on a machine under load.
inline constexpr std::chrono::milliseconds kLongTimeout{20000};

inline std::vector<Process> PollFor(std::chrono::milliseconds time) {
  return AgentPoller().Poll(time);
}

inline auto Is(pid_t pid, ProcessStatus status) {
  return testing::AllOf(testing::Field("pid", &Process::pid, pid),
                        testing::Field("status", &Process::status, status));
}

// Whether all processes respond in a poll, before `deadline`.
inline bool PollUntilUsed(AgentPoller& poller,
                          std::chrono::milliseconds timeout) {
  const auto deadline = std::chrono::steady_clock::now() + timeout;
  while (std::chrono::steady_clock::now() < deadline) {
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

  static inline bool in_network_namespace_ = false;
};

}  // namespace jemalloc_exporter

#endif  // JEMALLOC_EXPORTER_TESTS_SUPPORT_AGENT_POLLER_FIXTURE_H_
