#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sched.h>
#include <sys/resource.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <memory>
#include <string>
#include <vector>

#include "exporter/agent_client/agent_poller.h"
#include "exporter/connector/capabilities.h"
#include "exporter/process/peer_credentials.h"
#include "tests/support/agent_poller_fixture.h"
#include "tests/support/fake_agent.h"

namespace jemalloc_exporter {
namespace {

using testing::AllOf;
using testing::Contains;
using testing::Field;
using testing::Not;

// Other network namespaces have agents of tests that run at the same time.
class AgentPollerConnector : public AgentPollerTest {
 protected:
  void SetUp() override {
    AgentPollerTest::SetUp();
    if ((PermittedCapabilities() & kConnectorCapabilities) !=
        kConnectorCapabilities) {
      GTEST_SKIP() << "needs " << CapabilityNames(kConnectorCapabilities);
    }
  }

  static void RespondElsewhere(const FakeAgent& self) {
    if (unshare(CLONE_NEWNET) != 0) _exit(1);
    RespondCorrectly(self);
  }

  static auto IsUsed(const FakeAgent& agent) {
    return Is(agent.pid(), ProcessStatus::kUsed);
  }
};

TEST_F(AgentPollerConnector, ReportsProcessesOfAllNetworkNamespaces) {
  const FakeAgent here(RespondCorrectly);
  const FakeAgent there(RespondElsewhere);
  Connector connector;
  AgentPoller poller({}, &connector);
  const auto processes = poller.Poll(kLongTimeout);
  EXPECT_THAT(processes, Contains(IsUsed(here)));
  EXPECT_THAT(processes, Contains(IsUsed(there)));
  EXPECT_THAT(PollFor(kLongTimeout), Not(Contains(IsUsed(there))));
  ASSERT_TRUE(poller.namespaces());
  EXPECT_GE(poller.namespaces()->read, 2);
}

// Heap profiles are read in this network namespace only.
TEST_F(AgentPollerConnector, ReportsSocketsForProfilesOfItsOwnNamespaceOnly) {
  const FakeAgent there([](const FakeAgent& self) {
    ListenForProfiles({.pid = getpid()});
    RespondElsewhere(self);
  });
  const FakeAgent here([](const FakeAgent& self) {
    ListenForProfiles({.pid = getpid()});
    RespondCorrectly(self);
  });
  Connector connector;
  const auto processes = AgentPoller({}, &connector).Poll(kLongTimeout);
  const auto has_socket = [](bool value) {
    return Field("has_profile_socket", &Process::has_profile_socket, value);
  };
  EXPECT_THAT(processes, Contains(AllOf(IsUsed(here), has_socket(true))));
  EXPECT_THAT(processes, Contains(AllOf(IsUsed(there), has_socket(false))));
}

TEST_F(AgentPollerConnector, HasNoNamespacesWithoutAConnector) {
  EXPECT_FALSE(AgentPoller().namespaces());
}

// Two sockets of the same name.
TEST_F(AgentPollerConnector, DistinguishesEqualNamesOfTwoNamespaces) {
  const FakeAgent there(RespondElsewhere);
  const FakeAgent forger(
      [&](const FakeAgent& /*unused*/) { ListenAs({.pid = there.pid()}); });
  Connector connector;
  EXPECT_THAT(AgentPoller({}, &connector).Poll(kLongTimeout),
              Contains(IsUsed(there)));
}

// As one in a user namespace that has no number for this user.
TEST_F(AgentPollerConnector, ConnectsAsTheUserOfAnAgentThatRefusesItsOwn) {
  constexpr uid_t kUser = 100'000;
  const SharedCounter refused;
  const FakeAgent agent([&](const FakeAgent& self) {
    if (unshare(CLONE_NEWNET) != 0 || setresuid(kUser, kUser, kUser) != 0) {
      _exit(1);
    }
    const int listener = ListenAs({.pid = getpid()});
    self.Ready();
    for (;;) {
      const int client = accept(listener, nullptr, nullptr);
      if (PeerCredentials(client).value().uid == kUser) {
        SendAndClose(client, Document(getpid()));
      } else {
        refused.Increment();
        close(client);
      }
    }
  });
  ASSERT_GT(agent.pid(), 0);
  Connector connector;
  AgentPoller poller({}, &connector);
  for (int i = 0; i < 20; ++i) {
    ASSERT_THAT(poller.Poll(kLongTimeout), Contains(IsUsed(agent))) << i;
  }
  EXPECT_EQ(refused.value(), 1);  // The user is remembered.
}

// The connector has a copy of a descriptor when the agent closes it.
TEST_F(AgentPollerConnector, IgnoresEventsOfClosedConnections) {
  std::vector<std::unique_ptr<FakeAgent>> agents;
  for (int i = 0; i < 6; ++i) {
    agents.push_back(std::make_unique<FakeAgent>([](const FakeAgent& self) {
      if (unshare(CLONE_NEWNET) != 0) _exit(1);
      const int listener = ListenAs({.pid = getpid()});
      self.Ready();
      for (;;) {
        close(accept(listener, nullptr, nullptr));
        RespondOnce(listener, Document(getpid()));
      }
    }));
  }
  Connector connector;
  for (int i = 0; i < 10; ++i) {
    const auto processes = AgentPoller({}, &connector).Poll(kLongTimeout);
    for (const auto& agent : agents) {
      ASSERT_THAT(processes, Contains(IsUsed(*agent))) << i;
    }
  }
}

TEST_F(AgentPollerConnector, ReportsItsOwnNamespaceAfterTheConnectorsEnd) {
  const FakeAgent here(RespondCorrectly);
  const FakeAgent there(RespondElsewhere);
  Connector connector;
  AgentPoller poller({}, &connector);
  poller.Poll(kLongTimeout);
  const auto before = *poller.namespaces();
  kill(connector.pid(), SIGKILL);
  const auto processes = poller.Poll(kLongTimeout);
  EXPECT_THAT(processes, Contains(IsUsed(here)));
  EXPECT_THAT(processes, Not(Contains(Is(there.pid(), ProcessStatus::kUsed))));
  EXPECT_EQ(poller.namespaces()->read, 1);
  EXPECT_EQ(poller.namespaces()->denied, before.read + before.denied - 1);
}

TEST_F(AgentPollerConnector, WaitsNoLongerThanTheTimeoutForTheConnector) {
  const FakeAgent here(RespondCorrectly);
  Connector connector;
  AgentPoller poller({}, &connector);
  kill(connector.pid(), SIGSTOP);
  const auto start = std::chrono::steady_clock::now();
  poller.Poll(kShortTimeout);
  EXPECT_LT(std::chrono::steady_clock::now() - start, kLongTimeout);
  kill(connector.pid(), SIGCONT);
  EXPECT_THAT(poller.Poll(kLongTimeout), Contains(IsUsed(here)));
}

TEST_F(AgentPollerConnector, LosesNoProcessToANamespaceFullOfSockets) {
  const FakeAgent here(RespondCorrectly);
  const FakeAgent there(RespondElsewhere);
  const FakeAgent hostile([](const FakeAgent& /*unused*/) {
    if (unshare(CLONE_NEWNET) != 0) _exit(1);
    rlimit limit = {20'000, 20'000};
    setrlimit(RLIMIT_NOFILE, &limit);
    for (int i = 0; i < 10'000; ++i) ListenAs({.pid = 10'000'000 + i});
  });
  ASSERT_GT(hostile.pid(), 0);
  Connector connector;
  AgentPoller poller({}, &connector);
  for (int i = 0; i < 3; ++i) {
    const auto processes = poller.Poll(std::chrono::seconds(1));
    EXPECT_THAT(processes, Contains(IsUsed(here)));
    EXPECT_THAT(processes, Contains(IsUsed(there)));
  }
}

TEST_F(AgentPollerConnector, LosesNoProcessWhileNamespacesComeAndGo) {
  const FakeAgent here(RespondCorrectly);
  const FakeAgent there(RespondElsewhere);
  const SharedCounter ended;
  const FakeAgent maker([&](const FakeAgent& self) {
    self.Ready();
    for (int i = 0; i < 200; ++i) {
      const FakeAgent brief([](const FakeAgent& agent) {
        if (unshare(CLONE_NEWNET) != 0) _exit(1);
        ListenAs({.pid = getpid()});
        agent.Ready();
        usleep(2000);
        _exit(0);
      });
    }
    ended.Set(1);
  });
  Connector connector;
  AgentPoller poller({}, &connector);
  do {
    const auto processes = poller.Poll(kLongTimeout);
    ASSERT_THAT(processes, Contains(IsUsed(here)));
    ASSERT_THAT(processes, Contains(IsUsed(there)));
  } while (ended.value() == 0);
  EXPECT_TRUE(connector.is_running());
}

}  // namespace
}  // namespace jemalloc_exporter
