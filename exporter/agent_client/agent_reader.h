#ifndef JEMALLOC_EXPORTER_EXPORTER_AGENT_CLIENT_AGENT_READER_H_
#define JEMALLOC_EXPORTER_EXPORTER_AGENT_CLIENT_AGENT_READER_H_

#include <chrono>
#include <cstddef>

#include "exporter/agent_client/peer.h"

namespace jemalloc_exporter {

/// How long to wait for the response of a peer that is unresponsive.
inline constexpr std::chrono::milliseconds kUnresponsiveTimeout{20};

/// Maximum number of connections at the same time: 1024, or half of the file
/// descriptors that the process may have.
std::size_t MaxConnections();

/// Connects to all of `peers` and receives their documents, as many at the same
/// time as descriptors allow. Returns when all have responded, at `deadline`
/// at the latest; when only unresponsive ones have not, after
/// `kUnresponsiveTimeout`. A peer that closes a connection without a document
/// is connected to once more. `verify` is called for each connection. Throws
/// std::bad_alloc, and what `verify` throws.
void ReadAgents(Peers& peers, std::chrono::steady_clock::time_point deadline,
                const VerifyPeer& verify);

}  // namespace jemalloc_exporter

#endif  // JEMALLOC_EXPORTER_EXPORTER_AGENT_CLIENT_AGENT_READER_H_
