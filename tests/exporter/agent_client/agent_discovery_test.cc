#include "exporter/agent_client/agent_discovery.h"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <string>
#include <vector>

namespace jemalloc_exporter {
namespace {

using Sockets = std::vector<AgentSocket>;

constexpr const char* kListening = "0: 00000002 00000000 00010000 0001 01 7 ";

Sockets ParseAgents(const std::string& table) {
  const AgentSockets sockets = ParseSocketTable(table);
  EXPECT_EQ(sockets.profiles, Sockets{});
  return sockets.agents;
}

TEST(ParseSocketTable, ReturnsListeningStreamSocketsWithAgentNames) {
  EXPECT_EQ(
      ParseAgents(
          "Num       RefCount Protocol Flags    Type St Inode Path\n"
          "0000000000000000: 00000002 00000000 00010000 0001 01 11 "
          "@jemalloc_exporter/42\n"
          "0000000000000000: 00000003 00000000 00000000 0001 03 12 "
          "@jemalloc_exporter/43\n"
          "0000000000000000: 00000002 00000000 00010000 0005 01 13 "
          "@jemalloc_exporter/44\n"
          "0000000000000000: 00000002 00000000 00000000 0002 01 14\n"
          "0000000000000000: 00000002 00000000 00010000 0001 01 15 /run/x\n"
          "0000000000000000: 00000002 00000000 00010000 0001 01 16 "
          "@jemalloc_exporter/7.2\n"
          "0000000000000000: 00000002 00000000 00010000 0001 01 17 "
          "@jemalloc_exporter/7\n"
          "0000000000000000: 00000002 00000000 00010000 0001 01 11 "
          "@jemalloc_exporter/42\n"),
      (Sockets{{.name = {.pid = 7}, .inode = 17},
               {.name = {.pid = 7, .instance = 2}, .inode = 16},
               {.name = {.pid = 42}, .inode = 11}}));
}

TEST(ParseSocketTable, RejectsOtherNames) {
  ASSERT_EQ(
      ParseAgents(std::string(kListening) + "@jemalloc_exporter/1").size(), 1);
  for (const std::string name : {"jemalloc_exporter/1",
                                 "@jemalloc_exporter",
                                 "@jemalloc_exporter/",
                                 "@jemalloc_exporter/0",
                                 "@jemalloc_exporter/01",
                                 "@jemalloc_exporter/-1",
                                 "@jemalloc_exporter/ 1",
                                 "@jemalloc_exporter/1 ",
                                 "@jemalloc_exporter/1@",
                                 "@jemalloc_exporter/1/2",
                                 "@jemalloc_exporter/1.",
                                 "@jemalloc_exporter/1.1",
                                 "@jemalloc_exporter/1.02",
                                 "@jemalloc_exporter/1.10",
                                 "@jemalloc_exporter/1.2.3",
                                 "@jemalloc_exporter/2147483648",
                                 "@jemalloc_exporter/99999999999999",
                                 "@x@jemalloc_exporter/1",
                                 "/@jemalloc_exporter/1",
                                 "@jemalloc_exporter/1 00010000 0001 "}) {
    EXPECT_EQ(ParseAgents(kListening + name), Sockets{}) << name;
  }
}

TEST(ParseSocketTable, ReturnsNothingForMalformedTables) {
  EXPECT_EQ(ParseAgents(""), Sockets{});
  EXPECT_EQ(ParseAgents("\n\n@\n"), Sockets{});
  EXPECT_EQ(ParseAgents("@jemalloc_exporter/1 00010000 0001 "), Sockets{});
  EXPECT_EQ(ParseAgents(" 00010000 0001 01 @jemalloc_exporter/1"), Sockets{});
}

TEST(ParseSocketTable, LimitsTheNumberOfSockets) {
  std::string table;
  for (std::size_t pid = 1; pid <= kMaxSockets + 10; ++pid) {
    table += kListening + ("@jemalloc_exporter/" + std::to_string(pid)) + "\n";
  }
  EXPECT_EQ(ParseAgents(table).size(), kMaxSockets);
}

TEST(ParseSocketTable, SeparatesAgentsAndProfiles) {
  const AgentSockets sockets =
      ParseSocketTable(kListening + std::string("@jemalloc_exporter/1\n") +
                       kListening + "@jemalloc_exporter_profile/2.3\n");
  EXPECT_EQ(sockets.agents, (Sockets{{.name = {.pid = 1}, .inode = 7}}));
  EXPECT_EQ(sockets.profiles,
            (Sockets{{.name = {.pid = 2, .instance = 3}, .inode = 7}}));
}

TEST(ParseSocketTable, FindsAgentsBehindMoreProfilesThanTheLimit) {
  std::string table;
  for (std::size_t pid = 1; pid <= kMaxSockets + 10; ++pid) {
    table += kListening +
             ("@jemalloc_exporter_profile/" + std::to_string(pid)) + "\n";
  }
  const AgentSockets sockets =
      ParseSocketTable(table + kListening + "@jemalloc_exporter/1\n");
  EXPECT_EQ(sockets.agents.size(), 1U);
  EXPECT_EQ(sockets.profiles.size(), kMaxSockets);
}

TEST(DiscoverSockets, ListsASocketWhileItListens) {
  const AgentAddress name = {.pid = getpid(), .instance = 9};
  const auto listed = [&] {
    const Sockets sockets = DiscoverSockets().agents;
    return std::any_of(
        sockets.begin(), sockets.end(),
        [&](const AgentSocket& socket) { return socket.name == name; });
  };
  const int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_un address;
  const socklen_t size = WriteAddress(name, &address);
  ASSERT_EQ(bind(listener, reinterpret_cast<sockaddr*>(&address), size), 0);
  EXPECT_FALSE(listed());
  ASSERT_EQ(listen(listener, 1), 0);
  EXPECT_TRUE(listed());
  close(listener);
  EXPECT_FALSE(listed());
}

// The one with the most sockets delays no other.
TEST(OrderForConnecting, PutsTheSmallestNamespaceFirst) {
  Sockets sockets;
  for (const NetworkNamespace number : {1, 2, 2, 2, 3, 3}) {
    sockets.push_back(
        {.network_namespace = number,
         .name = {.pid = static_cast<pid_t>(sockets.size() + 1)}});
  }
  OrderForConnecting(sockets);
  std::vector<NetworkNamespace> order;
  for (const AgentSocket& socket : sockets) {
    order.push_back(socket.network_namespace);
  }
  EXPECT_EQ(order, (std::vector<NetworkNamespace>{1, 3, 3, 2, 2, 2}));
}

}  // namespace
}  // namespace jemalloc_exporter
