// The connector as a process: its rights, signals, limits and end.

#include <gmock/gmock.h>
#include <grp.h>
#include <gtest/gtest.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <csignal>
#include <string>
#include <vector>

#include "exporter/connector/capabilities.h"
#include "exporter/connector/connector.h"
#include "tests/support/connector_fixture.h"
#include "tests/support/fake_agent.h"
#include "tests/support/subprocess.h"
#include "tests/support/wait_for.h"

namespace jemalloc_exporter {
namespace {

using testing::IsEmpty;
using testing::SizeIs;

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

bool Responds(Connector& connector) {
  return connector.List(Soon(), [](NetworkNamespace, int) {}).has_value();
}

// The server ends it.
TEST(ConnectorProcess, IgnoresSignalsOfItsProcessGroup) {
  Connector connector;
  for (const int signal : {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGPIPE}) {
    ASSERT_EQ(kill(connector.pid(), signal), 0);
    EXPECT_TRUE(Responds(connector)) << signal;
  }
}

// It holds the descriptors of a whole packet.
TEST(ConnectorProcess, RaisesTheLimitOfItsDescriptors) {
  RunInSubprocess([] {
    rlimit limit = {};
    ASSERT_EQ(getrlimit(RLIMIT_NOFILE, &limit), 0);
    limit.rlim_cur = 64;
    ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &limit), 0);
    const Connector connector;
    ASSERT_EQ(prlimit(connector.pid(), RLIMIT_NOFILE, nullptr, &limit), 0);
    EXPECT_EQ(limit.rlim_cur, limit.rlim_max);
  });
}

// Then its files in /proc are those of root.
TEST(ConnectorProcess, IsNotDumpable) {
  if (geteuid() != 0) GTEST_SKIP() << "needs root";
  RunInSubprocess([] {
    DropPrivileges();
    ASSERT_EQ(prctl(PR_SET_DUMPABLE, 1, 0, 0, 0), 0);
    const Connector connector;
    const std::string folder = "/proc/" + std::to_string(connector.pid());
    struct stat status = {};
    ASSERT_EQ(stat((folder + "/status").c_str(), &status), 0);
    EXPECT_EQ(status.st_uid, 0);
  });
}

TEST(ConnectorProcess, EndsWithItsObject) {
  pid_t pid = 0;
  {
    const Connector connector;
    pid = connector.pid();
  }
  EXPECT_EQ(waitpid(pid, nullptr, WNOHANG), -1);
  EXPECT_EQ(errno, ECHILD);
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
  const FakeAgent child([](const FakeAgent& /*unused*/) {
    const gid_t group = 4;
    if (setgroups(1, &group) != 0) _exit(1);
    DropPrivileges();
  });
  EXPECT_EQ(Status(child.pid(), "Groups").find_first_of("0123456789"),
            std::string::npos);
  EXPECT_EQ(Status(child.pid(), "Uid"), "65534\t65534\t65534\t65534");
  EXPECT_EQ(Status(child.pid(), "Gid"), "65534\t65534\t65534\t65534");
  for (const char* set : {"CapPrm", "CapEff", "CapInh", "CapAmb"}) {
    EXPECT_EQ(Status(child.pid(), set), "0000000000000000") << set;
  }
  EXPECT_EQ(Status(child.pid(), "NoNewPrivs"), "1");
}

}  // namespace
}  // namespace jemalloc_exporter
