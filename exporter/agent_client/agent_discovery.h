#ifndef JEMALLOC_EXPORTER_EXPORTER_AGENT_CLIENT_AGENT_DISCOVERY_H_
#define JEMALLOC_EXPORTER_EXPORTER_AGENT_CLIENT_AGENT_DISCOVERY_H_

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "exporter/agent/protocol.h"
#include "exporter/connector/connector.h"

namespace jemalloc_exporter {

/// Maximum number of sockets with an agent's name; further ones are ignored.
/// In several network namespaces, those of the one with the most sockets.
inline constexpr std::size_t kMaxSockets = 65536;

/// Bytes of another network namespace's table of sockets that are read: some
/// 100,000 sockets.
inline constexpr std::size_t kMaxTableBytes = std::size_t{8} << 20;

/// A listening socket with the name of an agent, or of its heap profiles.
struct AgentSocket {
  NetworkNamespace network_namespace = 0;
  AgentAddress name;
  /// Differs between two sockets that had the same name one after the other.
  std::uint64_t inode = 0;

  // NOLINTNEXTLINE(modernize-use-nullptr): of the generated operator.
  friend auto operator<=>(const AgentSocket&, const AgentSocket&) = default;
};

/// Those of one table, each ordered by name, without duplicates, at most
/// `kMaxSockets`.
struct AgentSockets {
  std::vector<AgentSocket> agents;
  /// That send heap profiles: `kProfileSocketPrefix`.
  std::vector<AgentSocket> profiles;
};

/// The listening sockets with an agent's name in `table`, which is in the form
/// of /proc/net/unix. It may be forged: a name may contain a newline.
AgentSockets ParseSocketTable(std::string_view table);

/// Those of this network namespace; empty where /proc is unreadable.
AgentSockets DiscoverSockets();

/// The network namespaces of this machine that have a process.
struct NamespaceCounts {
  /// Their agents are known.
  std::size_t read = 0;
  /// They are not, for lack of a right.
  std::size_t denied = 0;
};

/// Adds the agents of all other network namespaces to `agents`, in the same
/// order, until `deadline`. Adds none where the connector has ended; `counts`
/// then has them as denied, according to its previous value.
std::vector<AgentSocket> AddOtherNamespaces(
    std::vector<AgentSocket> agents, Connector& connector,
    std::chrono::steady_clock::time_point deadline, NamespaceCounts* counts);

/// Orders `sockets` by the number of sockets of their network namespace, so
/// that the one with the most delays no other, and removes all but one of each
/// name in a namespace.
void OrderForConnecting(std::vector<AgentSocket>& sockets);

}  // namespace jemalloc_exporter

#endif  // JEMALLOC_EXPORTER_EXPORTER_AGENT_CLIENT_AGENT_DISCOVERY_H_
