#include "exporter/connector/connector.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sched.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <csignal>
#include <new>
#include <string>
#include <vector>

#include "exporter/process/peer_credentials.h"
#include "tests/support/connector_fixture.h"
#include "tests/support/fake_agent.h"
#include "tests/support/wait_for.h"

namespace jemalloc_exporter {
namespace {

using testing::Contains;
using testing::HasSubstr;
using testing::Key;
using testing::SizeIs;

pid_t PeerPid(int socket) { return PeerCredentials(socket).value().pid; }

TEST_F(ConnectorTest, ListsTheTableOfEachOtherNetworkNamespace) {
  const FakeAgent agent(ListenElsewhere);
  ASSERT_GT(agent.pid(), 0);
  Connector connector;
  const auto tables = Tables(connector);
  ASSERT_THAT(tables, Contains(Key(NamespaceOf(agent.pid()))));
  EXPECT_THAT(tables.at(NamespaceOf(agent.pid())),
              HasSubstr("@jemalloc_exporter/" + std::to_string(agent.pid())));
  EXPECT_EQ(tables.count(NamespaceOf(getpid())), 0);
}

TEST_F(ConnectorTest, ConnectsInAnotherNetworkNamespace) {
  const FakeAgent agent(ListenElsewhere);
  ASSERT_GT(agent.pid(), 0);
  Connector connector;
  const auto results = connector.Connect({To(agent)}, Soon());
  ASSERT_THAT(results, SizeIs(1));
  ASSERT_EQ(results[0].error, 0);
  EXPECT_EQ(PeerPid(results[0].descriptor.get()), agent.pid());
}

TEST_F(ConnectorTest, ReturnsAResultForEachRequestInOrder) {
  const FakeAgent agent(ListenElsewhere);
  ASSERT_GT(agent.pid(), 0);
  Connector connector;
  ConnectRequest no_socket = To(agent);
  no_socket.name.instance = 9;
  const ConnectRequest no_namespace = {.network_namespace = 1,
                                       .name = {.pid = agent.pid()}};
  const ConnectRequest no_pid = {.name = {.pid = 0}};
  ConnectRequest no_instance = To(agent);
  no_instance.name.instance = kMaxInstance + 1;
  const auto results = connector.Connect(
      {no_socket, To(agent), no_namespace, no_pid, To(agent), no_instance},
      Soon());
  ASSERT_THAT(results, SizeIs(6));
  EXPECT_EQ(results[0].error, ECONNREFUSED);
  EXPECT_TRUE(results[0].is_entered);
  EXPECT_EQ(results[1].error, 0);
  EXPECT_EQ(results[2].error, ESRCH);
  EXPECT_FALSE(results[2].is_entered);
  EXPECT_EQ(results[3].error, EINVAL);
  EXPECT_EQ(results[4].error, 0);
  EXPECT_EQ(results[5].error, EINVAL);
}

TEST_F(ConnectorTest, ReportsDescriptorsThatThisProcessCannotReceive) {
  const FakeAgent agent(ListenElsewhere);
  ASSERT_GT(agent.pid(), 0);
  Connector connector;
  rlimit before = {};
  getrlimit(RLIMIT_NOFILE, &before);
  rlimit one = before;
  {
    const FileDescriptor next(dup(STDERR_FILENO));
    one.rlim_cur = static_cast<rlim_t>(next.get()) + 1;
  }
  setrlimit(RLIMIT_NOFILE, &one);
  const auto results = connector.Connect({To(agent), To(agent)}, Soon());
  setrlimit(RLIMIT_NOFILE, &before);
  ASSERT_THAT(results, SizeIs(2));
  EXPECT_EQ(results[0].error, 0);
  EXPECT_EQ(results[1].error, EMFILE);
}

// Connectors of other tests connect to the agent, too.
TEST_F(ConnectorTest, ConnectsWhileTheCallerDoesOtherWork) {
  const SharedCounter connector_pid;
  const SharedCounter connections;
  const FakeAgent agent([&](const FakeAgent& self) {
    AcceptElsewhere(self, [&](int client) {
      if (PeerPid(client) == connector_pid.value()) connections.Increment();
    });
  });
  ASSERT_GT(agent.pid(), 0);
  Connector connector;
  connector_pid.Set(connector.pid());
  int calls = 0;
  bool is_connected = false;
  const auto results = connector.Connect({To(agent)}, Soon(), [&] {
    ++calls;
    is_connected = WaitFor([&] { return connections.value() == 1; });
  });
  ASSERT_THAT(results, SizeIs(1));
  EXPECT_EQ(results[0].error, 0);
  EXPECT_EQ(calls, 1);
  EXPECT_TRUE(is_connected);
}

TEST_F(ConnectorTest, PassesOnTheExceptionOfOtherWork) {
  const FakeAgent agent(ListenElsewhere);
  Connector connector;
  EXPECT_THROW(
      connector.Connect({To(agent)}, Soon(), [] { throw std::bad_alloc(); }),
      std::bad_alloc);
  const auto results = connector.Connect({To(agent), To(agent)}, Soon());
  EXPECT_THAT(results, SizeIs(2));
}

TEST_F(ConnectorTest, ConnectsAsTheRequestedUserAndThenAsItsOwnAgain) {
  const SharedCounter user;
  const FakeAgent agent([&](const FakeAgent& self) {
    AcceptElsewhere(self, [&](int client) {
      user.Set(static_cast<int>(PeerCredentials(client).value().uid));
    });
  });
  ASSERT_GT(agent.pid(), 0);
  Connector connector;
  ConnectRequest as_other = To(agent);
  as_other.user = 100'000;
  for (int i = 0; i < 2; ++i) {
    ASSERT_EQ(connector.Connect({as_other}, Soon())[0].error, 0);
    EXPECT_TRUE(WaitFor([&] { return user.value() == 100'000; }));
    EXPECT_EQ(Status(connector.pid(), "Uid"), Status(getpid(), "Uid"));
    ASSERT_EQ(connector.Connect({To(agent)}, Soon())[0].error, 0);
    EXPECT_TRUE(WaitFor([&] { return user.value() == int(geteuid()); }));
  }
}

// Else it would keep the one that it entered.
TEST_F(ConnectorTest, IsInItsOwnNamespaceBetweenRequests) {
  const FakeAgent agent(ListenElsewhere);
  ASSERT_GT(agent.pid(), 0);
  Connector connector;
  ASSERT_EQ(connector.Connect({To(agent)}, Soon())[0].error, 0);
  EXPECT_EQ(NamespaceOf(connector.pid()), NamespaceOf(getpid()));
}

TEST_F(ConnectorTest, RequestsDetailsByTheNameOfItsSocket) {
  const FakeAgent agent(ListenElsewhere);
  Connector connector;
  ConnectRequest request = To(agent);
  request.sets = {.bins = true, .locks = true};
  const auto results = connector.Connect({request}, Soon());
  ASSERT_THAT(results, SizeIs(1));
  EXPECT_EQ(results[0].bound, request.sets);
  sockaddr_un name = {};
  socklen_t size = sizeof(name);
  getsockname(results[0].descriptor.get(), reinterpret_cast<sockaddr*>(&name),
              &size);
  EXPECT_THAT(std::string(name.sun_path + 1, 32),
              HasSubstr("jemalloc_exporter_ask/1/bins,loc"));
}

TEST_F(ConnectorTest, ReportsThatANetworkNamespaceHasEnded) {
  FakeAgent agent(ListenElsewhere);
  Connector connector;
  const ConnectRequest request = To(agent);
  EXPECT_THAT(Tables(connector), Contains(Key(request.network_namespace)));
  agent.Kill();
  EXPECT_TRUE(WaitFor([&] {
    const auto results = connector.Connect({request}, Soon());
    return results.size() == 1 && results[0].error == ESRCH;
  }));
  EXPECT_THAT(Tables(connector),
              testing::Not(Contains(Key(request.network_namespace))));
}

// The process that the scan found has ended, another one is in the namespace.
TEST_F(ConnectorTest, EntersANamespaceWhoseKnownProcessHasEnded) {
  const SharedCounter second;
  FakeAgent first([&](const FakeAgent& self) {
    if (unshare(CLONE_NEWNET) != 0) _exit(1);
    const int listener = ListenAs({.pid = 1'000'000});
    self.Ready();
    while (second.value() == 0) usleep(1000);
    const pid_t child = fork();
    if (child == 0) Respond(listener, Document(1'000'000));
    second.Set(static_cast<int>(child));
    for (;;) pause();
  });
  ConnectRequest request = To(first);
  request.name = {.pid = 1'000'000};
  Connector connector;
  Tables(connector);
  second.Set(1);
  ASSERT_TRUE(WaitFor([&] { return second.value() > 1; }));
  first.Kill();
  EXPECT_EQ(connector.Connect({request}, Soon())[0].error, 0);
  kill(second.value(), SIGKILL);
}

}  // namespace
}  // namespace jemalloc_exporter
