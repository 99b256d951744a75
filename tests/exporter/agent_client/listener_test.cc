#include "exporter/agent_client/listener.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include "exporter/agent_client/agent_connection.h"
#include "tests/support/agent_poller_fixture.h"

namespace jemalloc_exporter {
namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::seconds;

const Clock::time_point kStart = Clock::time_point(seconds(1000));

AgentSocket SocketWithInode(std::uint64_t inode) {
  return {.name = {.pid = 7}, .inode = inode};
}

Listener ListenerAt(Clock::time_point time) {
  return {.pid = 7,
          .start_time_seconds = 3,
          .cgroup = {.unit = "a.service"},
          .read_at = time};
}

TEST(Listener, IsRecentForAMinuteOrHalfOfOne) {
  const Listener listener = ListenerAt(kStart);
  EXPECT_TRUE(listener.IsRecent(SocketWithInode(2), kStart + seconds(60)));
  EXPECT_FALSE(listener.IsRecent(SocketWithInode(2), kStart + seconds(61)));
  EXPECT_TRUE(listener.IsRecent(SocketWithInode(3), kStart + seconds(30)));
  EXPECT_FALSE(listener.IsRecent(SocketWithInode(3), kStart + seconds(31)));
}

TEST(Listener, IsRunningAsTheProcessWithItsPidAndStartTime) {
  const Listener listener = ListenerAt(kStart);
  ProcStat stat;
  stat.virtual_memory_bytes = 4096;
  stat.start_time_seconds = 3;
  EXPECT_TRUE(listener.IsRunning(7, stat));
  EXPECT_FALSE(listener.IsRunning(8, stat));
  stat.virtual_memory_bytes = 0;  // A zombie.
  EXPECT_FALSE(listener.IsRunning(7, stat));
  stat.virtual_memory_bytes = 4096;
  stat.start_time_seconds = 3.01;
  EXPECT_FALSE(listener.IsRunning(7, stat));
}

class AgentConnectionListener : public AgentPollerTest {
 protected:
  // The unit that is reported of an agent, where an earlier poll has read that
  // it is a.service.
  static std::string ReportedUnit(const Listener& listener) {
    const AgentSocket socket = DiscoverSockets().agents.at(0);
    AgentConnection connection(socket);
    connection.set_listener(listener);
    connection.Connect(ConnectSocket(connection.request()),
                       [](const auto&, pid_t) { return true; });
    EXPECT_EQ(connection.listener()->pid, socket.name.pid);
    return connection.ToProcess()->cgroup.unit;
  }
};

TEST_F(AgentConnectionListener, IsReadAgainWhereAnotherProcessHasItsPid) {
  const FakeAgent agent(RespondCorrectly);
  Listener listener = {
      .pid = agent.pid(),
      .start_time_seconds = ReadProcStat(agent.pid())->start_time_seconds,
      .cgroup = {.unit = "a.service"},
      .read_at = Clock::now()};
  EXPECT_EQ(ReportedUnit(listener), "a.service");
  listener.start_time_seconds -= 1;
  EXPECT_EQ(ReportedUnit(listener), ReadCgroup(agent.pid()).unit);
  listener.start_time_seconds += 1;
  listener.pid = getpid();
  EXPECT_EQ(ReportedUnit(listener), ReadCgroup(agent.pid()).unit);
}

TEST_F(AgentConnectionListener, IsKnownAfterTheFirstConnection) {
  const FakeAgent agent(RespondCorrectly);
  AgentConnection connection(DiscoverSockets().agents.at(0));
  EXPECT_FALSE(connection.listener());
  connection.Connect(ConnectSocket(connection.request()),
                     [](const auto&, pid_t) { return true; });
  ASSERT_TRUE(connection.listener());
  EXPECT_EQ(connection.listener()->pid, agent.pid());
  EXPECT_TRUE(connection.listener()->IsRunning(agent.pid(),
                                               *ReadProcStat(agent.pid())));
}

}  // namespace
}  // namespace jemalloc_exporter
