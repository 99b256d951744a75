#include "exporter/connector/connector.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sched.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <csignal>
#include <fstream>
#include <map>
#include <new>
#include <string>
#include <vector>

#include "exporter/connector/capabilities.h"
#include "exporter/process/peer_credentials.h"
#include "exporter/process/proc_file.h"
#include "tests/support/fake_agent.h"
#include "tests/support/wait_for.h"

namespace jemalloc_exporter {
namespace {

using testing::Contains;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Key;
using testing::SizeIs;

Connector::Deadline Soon() {
  return std::chrono::steady_clock::now() + std::chrono::seconds(20);
}

NetworkNamespace NamespaceOf(pid_t pid) {
  struct stat status = {};
  const std::string path = "/proc/" + std::to_string(pid) + "/ns/net";
  return stat(path.c_str(), &status) == 0 ? status.st_ino : 0;
}

// A socket with an agent's name, in a network namespace of its own.
void ListenElsewhere(const FakeAgent& self) {
  if (unshare(CLONE_NEWNET) != 0) _exit(1);
  const int listener = ListenAs({.pid = getpid()});
  self.Ready();
  Respond(listener, Document(getpid()));
}

// The same, without responses: closes each connection after `visit`.
template <typename Visit>
void AcceptElsewhere(const FakeAgent& self, const Visit& visit) {
  if (unshare(CLONE_NEWNET) != 0) _exit(1);
  const int listener = ListenAs({.pid = getpid()});
  self.Ready();
  for (;;) {
    const int client = accept(listener, nullptr, nullptr);
    visit(client);
    close(client);
  }
}

std::map<NetworkNamespace, std::string> Tables(Connector& connector) {
  std::map<NetworkNamespace, std::string> tables;
  connector.List(Soon(), [&](NetworkNamespace number, int table) {
    tables[number] = ReadDescriptor(table, 1 << 20);
  });
  return tables;
}

// The value of `key` in /proc/PID/status.
std::string Status(pid_t pid, const std::string& key) {
  std::ifstream file("/proc/" + std::to_string(pid) + "/status");
  std::string line;
  while (std::getline(file, line)) {
    if (line.starts_with(key + ":")) return line.substr(key.size() + 2);
  }
  return "";
}

pid_t PeerPid(int socket) { return PeerCredentials(socket).value().pid; }

class ConnectorTest : public testing::Test {
 protected:
  void SetUp() override {
    if ((PermittedCapabilities() & kConnectorCapabilities) !=
        kConnectorCapabilities) {
      GTEST_SKIP() << "needs " << CapabilityNames(kConnectorCapabilities);
    }
  }

  static ConnectRequest To(const FakeAgent& agent) {
    return {.network_namespace = NamespaceOf(agent.pid()),
            .name = {.pid = agent.pid()}};
  }
};

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
    ASSERT_EQ(connector.Connect({To(agent)}, Soon())[0].error, 0);
    EXPECT_TRUE(WaitFor([&] { return user.value() == int(geteuid()); }));
  }
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

TEST_F(ConnectorTest, KeepsExactlyItsCapabilities) {
  const Connector connector;
  for (const char* set : {"CapPrm", "CapEff", "CapBnd"}) {
    EXPECT_EQ(Status(connector.pid(), set), "0000000000280080") << set;
  }
  for (const char* set : {"CapInh", "CapAmb"}) {
    EXPECT_EQ(Status(connector.pid(), set), "0000000000000000") << set;
  }
  EXPECT_EQ(Status(connector.pid(), "NoNewPrivs"), "1");
}

TEST_F(ConnectorTest, HasNoDescriptorOfTheServer) {
  int ends[2];
  ASSERT_EQ(pipe(ends), 0);  // Not O_CLOEXEC.
  const Connector connector;
  close(ends[1]);
  char byte = 0;
  EXPECT_EQ(read(ends[0], &byte, 1), 0);
  close(ends[0]);
}

TEST_F(ConnectorTest, ReportsItsEndOnce) {
  std::vector<std::string> problems;
  Connector connector(
      [&](const std::string& problem) { problems.push_back(problem); });
  kill(connector.pid(), SIGKILL);
  EXPECT_TRUE(WaitFor([&] {
    Tables(connector);
    return !connector.is_running();
  }));
  int calls = 0;
  EXPECT_THAT(
      connector.Connect({{.name = {.pid = 1}}}, Soon(), [&] { ++calls; }),
      IsEmpty());
  EXPECT_EQ(calls, 1);
  EXPECT_FALSE(connector.List(Soon(), [](NetworkNamespace, int) {}));
  EXPECT_THAT(problems, SizeIs(1));
}

TEST_F(ConnectorTest, AnswersLaterAfterATimeout) {
  const FakeAgent agent(ListenElsewhere);
  Connector connector;
  kill(connector.pid(), SIGSTOP);
  const auto now = std::chrono::steady_clock::now();
  EXPECT_FALSE(connector.List(now + std::chrono::milliseconds(50),
                              [](NetworkNamespace, int) {}));
  EXPECT_THAT(connector.Connect({To(agent)}, now), IsEmpty());
  kill(connector.pid(), SIGCONT);
  EXPECT_EQ(connector.Connect({To(agent)}, Soon()).size(), 1);
  EXPECT_TRUE(connector.is_running());
}

TEST_F(ConnectorTest, EndsWithTheServer) {
  const SharedCounter connector_pid;
  FakeAgent server([&](const FakeAgent& /*unused*/) {
    static const Connector connector;  // Not ended by a destructor.
    connector_pid.Set(static_cast<int>(connector.pid()));
  });
  server.Kill();
  const auto has_ended = [&] {
    const std::string state = Status(connector_pid.value(), "State");
    return state.empty() || state.starts_with('Z');
  };
  EXPECT_TRUE(WaitFor(has_ended));
}

// Of a child process with fewer capabilities.
std::string LimitationWith(CapabilitySet capabilities) {
  std::string limitation(200, '\0');
  int ends[2];
  if (pipe(ends) != 0) return "";
  const FakeAgent child([&](const FakeAgent& /*unused*/) {
    RestrictCapabilities(capabilities);
    const Connector connector;
    const std::string& text = connector.limitation();
    if (write(ends[1], text.data(), text.size()) < 0) _exit(1);
    close(ends[1]);
  });
  close(ends[1]);
  const ssize_t size = read(ends[0], limitation.data(), limitation.size());
  close(ends[0]);
  limitation.resize(size > 0 ? static_cast<std::size_t>(size) : 0);
  return limitation;
}

TEST_F(ConnectorTest, NamesMissingCapabilities) {
  EXPECT_EQ(LimitationWith(kConnectorCapabilities), "");
  EXPECT_EQ(LimitationWith(0),
            "no CAP_SYS_ADMIN and CAP_SYS_PTRACE and CAP_SETUID");
  std::vector<std::string> limitations;
  for (CapabilitySet bit = 1; bit != 0; bit <<= 1) {
    if ((kConnectorCapabilities & bit) == 0) continue;
    limitations.push_back(LimitationWith(kConnectorCapabilities & ~bit));
  }
  EXPECT_THAT(limitations,
              testing::ElementsAre("no CAP_SETUID", "no CAP_SYS_PTRACE",
                                   "no CAP_SYS_ADMIN"));
}

TEST(DropPrivileges, LeavesNeitherUserNorCapabilities) {
  if (geteuid() != 0) GTEST_SKIP() << "needs user 0";
  const FakeAgent child([](const FakeAgent& /*unused*/) { DropPrivileges(); });
  EXPECT_EQ(Status(child.pid(), "Uid"), "65534\t65534\t65534\t65534");
  EXPECT_EQ(Status(child.pid(), "Gid"), "65534\t65534\t65534\t65534");
  for (const char* set : {"CapPrm", "CapEff", "CapInh", "CapAmb"}) {
    EXPECT_EQ(Status(child.pid(), set), "0000000000000000") << set;
  }
  EXPECT_EQ(Status(child.pid(), "NoNewPrivs"), "1");
}

}  // namespace
}  // namespace jemalloc_exporter
