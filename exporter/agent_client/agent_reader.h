#ifndef JEMALLOC_EXPORTER_EXPORTER_AGENT_CLIENT_AGENT_READER_H_
#define JEMALLOC_EXPORTER_EXPORTER_AGENT_CLIENT_AGENT_READER_H_

#include <sys/types.h>

#include <chrono>
#include <cstddef>
#include <functional>
#include <vector>

#include "exporter/process/process.h"

namespace jemalloc_exporter {

/// So many processes are believed in, at most, for which there is their own
/// word alone: anybody in the pod may give it for any number of them.
inline constexpr std::size_t kMaxClaimed = 256;

/// Asks every process of this network namespace that carries the agent, all at
/// the same time, and waits for the answers no longer than until `deadline`.
/// Ordered by pid; no two have the same pid and comm.
///
/// Every socket may be anybody's. A process is the one that the kernel sees at
/// the other end, and counts only when it is the one that the socket is named
/// for; a socket that a process holds in another's name is ignored. Where the
/// kernel sees none, across pid namespaces, the socket's name is believed, of
/// the `kMaxClaimed` lowest numbers, and /proc is not asked for what would be
/// another process.
///
/// Unreachable is a process that refuses this user, answers anything but the
/// document of `wire.h`, or nothing in time. One that is gone is left out.
///
/// Thread-safe; keeps nothing between calls. Takes up to half of the
/// descriptors that the process may have, for as long as it runs. Never throws:
/// without memory or descriptors it returns less.
///
/// With `is_asked`, who is not asked is not disturbed: it is given the pid in a
/// socket's name, which is another process's number where the agent is in a pid
/// namespace of its own.
std::vector<Process> ReadAgents(
    std::chrono::steady_clock::time_point deadline,
    const std::function<bool(pid_t)>& is_asked = {}) noexcept;

}  // namespace jemalloc_exporter

#endif  // JEMALLOC_EXPORTER_EXPORTER_AGENT_CLIENT_AGENT_READER_H_
