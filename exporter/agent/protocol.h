#ifndef JEMALLOC_EXPORTER_EXPORTER_AGENT_PROTOCOL_H_
#define JEMALLOC_EXPORTER_EXPORTER_AGENT_PROTOCOL_H_

#include <sys/socket.h>
#include <sys/un.h>

#include <algorithm>
#include <charconv>
#include <compare>
#include <cstddef>
#include <limits>
#include <string_view>

/// The protocol between the agent, in its host process, and the exporter.
///
/// The agent of process 42 listens on an abstract Unix stream socket. Each
/// allowed client receives one JSON document and the end of the stream; nothing
/// is read from it:
///
///     {"agent":1,"pid":42,"comm":"redis-server","jemalloc_version":"5.3.0-0-g…",
///      "state":"used","heap_state":{"allocated_bytes":…,…},
///      "statistics":{…},"options":{…}}
///
/// The last two are absent where nothing could be read. In a process with
/// several jemallocs the others are of the first, and one key more has all of
/// them, the first included:
///
///     "heaps":[{"prefix":"","jemalloc_version":…,"state":…,"heap_state":{…},
///               "statistics":{…},"options":{…}},
///              {"prefix":"je_",…}]
///
/// A client requests details with the name of its socket: see detail_request.h.
/// The document then has a key for each set that could be read, in the object
/// of its heap: see `WriteDetailsJson`.
///
/// Where jemalloc samples allocations (`opt.prof`), the agent has a second
/// socket, `jemalloc_exporter_profile/42`. It writes a heap profile into a
/// sealed memfd for each allowed client, and sends this document with its
/// descriptor, by SCM_RIGHTS:
///
///     {"agent":1,"pid":42,"comm":"redis-server",
///      "jemalloc_version":"5.3.0-0-g…","profile":"ok"}
///
/// Or `"profile":"failed"`, without a descriptor.
namespace jemalloc_exporter {

/// Environment variables, read when the agent is loaded. With the value
/// `kAgentOff` the first keeps the agent from starting, the second from
/// restarting in children of fork(2). The third lists names of programs with
/// commas between them; the agent does not start in these, either.
inline constexpr const char* kAgentVariable = "JEMALLOC_EXPORTER_AGENT";
inline constexpr const char* kAgentForkVariable =
    "JEMALLOC_EXPORTER_AGENT_FORK";
inline constexpr const char* kAgentExcludeVariable =
    "JEMALLOC_EXPORTER_AGENT_EXCLUDE";
inline constexpr std::string_view kAgentOff = "off";

/// `jemalloc_exporter attach` loads the agent by a path that starts with this,
/// after it has run the process's seccomp filters for the agent's system calls.
inline constexpr std::string_view kAttachPathPrefix = "/proc/self/./fd/";

/// Stops the agent when tgkill(2) sends it to the agent's thread: the signal
/// with which glibc cancels threads. It is free in a thread that is never
/// cancelled, and no host can wait for it or send it to a process by accident.
inline constexpr int kStopSignal = 32;

/// The version and the keys of the document. A client ignores unknown keys; a
/// change that an older client would misread takes a new version.
inline constexpr int kAgentVersion = 1;
inline constexpr std::string_view kAgentKey = "agent";
inline constexpr std::string_view kPidKey = "pid";
inline constexpr std::string_view kCommKey = "comm";
inline constexpr std::string_view kJemallocVersionKey = "jemalloc_version";
inline constexpr std::string_view kStateKey = "state";
inline constexpr std::string_view kHeapStateKey = "heap_state";
inline constexpr std::string_view kStatisticsKey = "statistics";
inline constexpr std::string_view kOptionsKey = "options";
inline constexpr std::string_view kHeapsKey = "heaps";
inline constexpr std::string_view kPrefixKey = "prefix";

/// The values of `kStateKey`: see `HeapSnapshot::used`.
inline constexpr std::string_view kUsed = "used";
inline constexpr std::string_view kUnused = "unused";

/// The key and the values of a heap profile's document.
inline constexpr std::string_view kProfileKey = "profile";
inline constexpr std::string_view kProfileOk = "ok";
inline constexpr std::string_view kProfileFailed = "failed";

/// Bytes of the longest document; a client rejects a longer one. The second is
/// that of a document with details, for clients that requested them.
inline constexpr std::size_t kMaxResponseSize = std::size_t{16} * 1024;
inline constexpr std::size_t kMaxDetailedResponseSize = std::size_t{32} * 1024;

/// Bytes of a process's name in the kernel (TASK_COMM_LEN less the NUL).
inline constexpr std::size_t kMaxCommSize = 15;

/// Bytes of jemalloc's version string that are sent.
inline constexpr std::size_t kMaxJemallocVersionSize = 64;

/// Heaps of a process that are sent, and bytes of the prefix of their names.
inline constexpr std::size_t kMaxHeaps = 8;
inline constexpr std::size_t kMaxPrefixSize = 32;

/// The name of the agent's thread.
inline constexpr std::string_view kThreadName = "jemalloc_export";

/// The name of an agent's socket, after the NUL that makes it abstract:
/// `jemalloc_exporter/42`. Containers of a pod share a network namespace but
/// not a pid namespace; where the name is taken, the agent listens on
/// `jemalloc_exporter/42.2`, and so on to `.9`.
inline constexpr std::string_view kSocketPrefix = "jemalloc_exporter/";
inline constexpr std::string_view kProfileSocketPrefix =
    "jemalloc_exporter_profile/";
inline constexpr int kMaxInstance = 9;
struct AgentAddress {
  int pid = 0;
  int instance = 1;

  // NOLINTNEXTLINE(modernize-use-nullptr): in the generated comparison.
  friend auto operator<=>(const AgentAddress&, const AgentAddress&) = default;
};

/// Writes the socket address of an agent; returns its size for bind(2) and
/// connect(2).
inline socklen_t WriteAddress(AgentAddress agent, sockaddr_un* address,
                              std::string_view prefix = kSocketPrefix) {
  *address = {};
  address->sun_family = AF_UNIX;
  char* end = std::copy(prefix.begin(), prefix.end(), address->sun_path + 1);
  constexpr int kMaxDigits = std::numeric_limits<int>::digits10 + 1;
  end = std::to_chars(end, end + kMaxDigits, agent.pid).ptr;
  if (agent.instance > 1) {
    *end++ = '.';
    *end++ = static_cast<char>('0' + agent.instance);
  }
  return static_cast<socklen_t>(end - reinterpret_cast<char*>(address));
}

}  // namespace jemalloc_exporter

#endif  // JEMALLOC_EXPORTER_EXPORTER_AGENT_PROTOCOL_H_
