#ifndef JEMALLOC_EXPORTER_EXPORTER_AGENT_CLIENT_PROFILE_READER_H_
#define JEMALLOC_EXPORTER_EXPORTER_AGENT_CLIENT_PROFILE_READER_H_

#include <sys/types.h>

#include <chrono>
#include <cstddef>
#include <string>

namespace jemalloc_exporter {

/// Bytes of the longest heap profile that is read.
inline constexpr std::size_t kMaxProfileBytes = std::size_t{64} << 20;

/// Time for an agent to write a heap profile.
inline constexpr std::chrono::seconds kProfileTimeout{10};

/// A heap profile as an agent sent it.
struct AgentProfile {
  /// As jemalloc writes it: see jemalloc(3), `prof.dump`. Untrusted.
  std::string dump;
  /// Sanitized, see `SanitizeLabel`.
  std::string comm;
  std::string jemalloc_version;
};

/// Connects to the socket for heap profiles of process `pid` in this network
/// namespace, and reads one. The kernel must return the same pid for the peer,
/// and the file must be one that its sender cannot change: a sealed memfd.
///
/// Blocks until `deadline` at the latest. Throws std::runtime_error with one
/// line if there is no process, no such socket, or no valid answer.
AgentProfile ReadAgentProfile(pid_t pid,
                              std::chrono::steady_clock::time_point deadline);

}  // namespace jemalloc_exporter

#endif  // JEMALLOC_EXPORTER_EXPORTER_AGENT_CLIENT_PROFILE_READER_H_
