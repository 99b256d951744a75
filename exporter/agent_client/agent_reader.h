#ifndef JEMALLOC_EXPORTER_EXPORTER_AGENT_CLIENT_AGENT_READER_H_
#define JEMALLOC_EXPORTER_EXPORTER_AGENT_CLIENT_AGENT_READER_H_

#include <chrono>

#include "exporter/agent_client/peer.h"

namespace jemalloc_exporter {

/// Connects to all of `peers` and receives their documents, as many at the same
/// time as descriptors allow. Returns when all have responded, at `deadline`
/// at the latest. `verify` is called for each connection, see `Peer::Connect`.
/// Throws std::bad_alloc, and what `verify` throws.
void ReadAgents(Peers& peers, std::chrono::steady_clock::time_point deadline,
                const VerifyPeer& verify);

}  // namespace jemalloc_exporter

#endif  // JEMALLOC_EXPORTER_EXPORTER_AGENT_CLIENT_AGENT_READER_H_
