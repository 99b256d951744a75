#ifndef JEMALLOC_EXPORTER_EXPORTER_AGENT_CLIENT_POLL_LOOP_H_
#define JEMALLOC_EXPORTER_EXPORTER_AGENT_CLIENT_POLL_LOOP_H_

#include <chrono>
#include <cstddef>

#include "exporter/agent_client/agent_connection.h"
#include "exporter/connector/connector.h"

namespace jemalloc_exporter {

/// Timeout for the response of an unresponsive agent.
inline constexpr std::chrono::milliseconds kUnresponsiveTimeout{20};

/// Maximum number of connections at the same time: 1024, or half of the file
/// descriptors that the process may have.
std::size_t MaxConnections();

/// The event loop of a poll: connects all of `connections` and receives their
/// documents, up to `MaxConnections()` of them at the same time. Returns when
/// all have responded, at `deadline` at the latest. When only unresponsive
/// agents are missing, returns after `kUnresponsiveTimeout`. A connection that
/// was closed without a document is retried once. `verify` is called for each
/// connection; its exceptions are passed on. Throws std::bad_alloc.
///
/// With `connector`, which may be null, it connects; after it has ended, only
/// agents of this network namespace are connected.
void RunPollLoop(AgentConnections& connections,
                 std::chrono::steady_clock::time_point deadline,
                 const VerifyPeer& verify, Connector* connector = nullptr);

}  // namespace jemalloc_exporter

#endif  // JEMALLOC_EXPORTER_EXPORTER_AGENT_CLIENT_POLL_LOOP_H_
