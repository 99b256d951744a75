#ifndef JEMALLOC_EXPORTER_EXPORTER_AGENT_CLIENT_SOCKET_LIST_H_
#define JEMALLOC_EXPORTER_EXPORTER_AGENT_CLIENT_SOCKET_LIST_H_

#include <cstddef>
#include <string_view>
#include <vector>

#include "exporter/agent/wire.h"

namespace jemalloc_exporter {

/// More sockets with an agent's name are not looked at.
inline constexpr std::size_t kMaxSockets = 65536;

/// The agents whose sockets `table`, in the form of /proc/net/unix, shows to be
/// listening: each name once, ordered by pid. Anybody may have made them.
std::vector<AgentName> AgentsInSocketTable(std::string_view table);

/// The agents of this network namespace; none where /proc is not to be had.
std::vector<AgentName> ListAgents();

}  // namespace jemalloc_exporter

#endif  // JEMALLOC_EXPORTER_EXPORTER_AGENT_CLIENT_SOCKET_LIST_H_
