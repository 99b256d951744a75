#ifndef JEMALLOC_EXPORTER_EXPORTER_AGENT_CLIENT_AGENT_DISCOVERY_H_
#define JEMALLOC_EXPORTER_EXPORTER_AGENT_CLIENT_AGENT_DISCOVERY_H_

#include <cstddef>
#include <cstdint>
#include <string_view>
#include <vector>

#include "exporter/agent/protocol.h"

namespace jemalloc_exporter {

/// Maximum number of sockets with an agent's name; further ones are ignored.
inline constexpr std::size_t kMaxSockets = 65536;

/// A listening socket with an agent's name.
struct AgentSocket {
  AgentAddress name;
  /// Differs between two sockets that had the same name one after the other.
  std::uint64_t inode = 0;

  // NOLINTNEXTLINE(modernize-use-nullptr): of the generated operator.
  friend auto operator<=>(const AgentSocket&, const AgentSocket&) = default;
};

/// The listening sockets with an agent's name in `table`, which is in the form
/// of /proc/net/unix. Ordered by name, without duplicates, at most
/// `kMaxSockets`. The table may be forged: a name may contain a newline.
std::vector<AgentSocket> ParseSocketTable(
    std::string_view table, std::string_view prefix = kSocketPrefix);

/// The agents of this network namespace; empty where /proc is unreadable. With
/// `kProfileSocketPrefix` those that send heap profiles.
std::vector<AgentSocket> DiscoverAgents(
    std::string_view prefix = kSocketPrefix);

}  // namespace jemalloc_exporter

#endif  // JEMALLOC_EXPORTER_EXPORTER_AGENT_CLIENT_AGENT_DISCOVERY_H_
