#ifndef JEMALLOC_EXPORTER_EXPORTER_AGENT_CLIENT_AGENT_POLLER_H_
#define JEMALLOC_EXPORTER_EXPORTER_AGENT_CLIENT_AGENT_POLLER_H_

#include <sys/types.h>

#include <chrono>
#include <cstddef>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "exporter/agent_client/agent_connection.h"
#include "exporter/agent_client/agent_discovery.h"
#include "exporter/agent_client/detail_query.h"
#include "exporter/agent_client/listener.h"
#include "exporter/agent_client/process_filter.h"
#include "exporter/connector/connector.h"
#include "exporter/process/process.h"
#include "jemalloc_exporter/heap_details.h"

namespace jemalloc_exporter {

/// Maximum number of reported processes whose pid the kernel cannot verify,
/// because they are in a pid namespace that is not visible from here. Bounds
/// the series that a hostile container can create.
inline constexpr std::size_t kMaxUnverifiedProcesses = 256;

/// Returns the heap statistics of the processes that carry the agent.
///
/// A poll connects to all agents of this network namespace, or with a
/// `Connector` of all, at the same time, and waits for their responses no
/// longer than its timeout. The result is
/// ordered by pid, and contains each pid and comm once. This process is never
/// included.
///
/// Every socket with an agent's name may belong to a hostile process. A process
/// is reported only under the pid that the kernel returns (SO_PEERCRED), and
/// only where the socket is named for that process. Across pid namespaces the
/// kernel returns no pid: there the pid of the socket's name is reported, for
/// the `kMaxUnverifiedProcesses` lowest numbers, without data from /proc.
///
/// A process is unreachable when its agent refuses this user, sends an invalid
/// document, or none in time. One that has ended, is a zombie, or executes
/// another program meanwhile is omitted, unless its new agent responds.
///
/// `Process::cgroup` is up to `kMaxListenerAge` old; all else is of the poll.
///
/// With a filter, an agent is connected to only where the pid of its socket's
/// name is that of an included process, in that process's own pid namespace.
/// The exception: a process of another pid namespace whose own number equals
/// that of an included process is connected to once in the lifetime of its
/// socket. A new process in a nested pid namespace is found within 1 s.
///
/// An agent that does not respond in a poll is unresponsive: later polls wait
/// for it no longer than `kUnresponsiveTimeout`, until it has responded. Its
/// connection is kept open meanwhile, up to 256 of them, so that a response is
/// noticed however late, and a stopped process has one connection to serve.
///
/// Thread-safe. Uses up to half of the file descriptors that the process may
/// have. Memory: one entry for each socket in the table that was connected or
/// rejected, at most `kMaxSockets`.
class AgentPoller {
 public:
  /// `connector` may be null, and must outlive this object.
  explicit AgentPoller(ProcessFilter filter = {},
                       Connector* connector = nullptr);

  /// Never throws: without memory or descriptors it returns fewer processes.
  /// A process of another pid namespace has details only from the second poll
  /// on where `details` includes some names only.
  std::vector<Process> Poll(std::chrono::duration<double> timeout,
                            const DetailQuery& details = {}) noexcept;

  /// Of the latest poll; absent without a connector.
  std::optional<NamespaceCounts> namespaces() const;

 private:
  using Clock = std::chrono::steady_clock;

  struct Decision {
    bool connect = false;
    Clock::time_point until;
  };

  /// What earlier polls have found of a socket.
  struct Record {
    /// Independent of `filter_`.
    std::optional<Decision> decision;
    /// Of a process whose pid here is not that of the socket's name.
    std::string comm;
    std::optional<Listener> listener;
    /// Of an agent that serves no other: see `AgentConnection::user`.
    uid_t user = kOwnUser;
    bool is_unresponsive = false;
    /// Of an unresponsive agent; null while a poll is using it.
    std::unique_ptr<AgentConnection> connection;
  };

  AgentSockets Discover(Clock::time_point deadline);
  std::vector<AgentSocket> SelectSockets(const std::vector<AgentSocket>& listed,
                                         Clock::time_point now);
  std::vector<AgentSocket> RemoveDecided(const std::vector<AgentSocket>& listed,
                                         Clock::time_point now,
                                         std::vector<AgentSocket>& selected);
  bool IsScanDue(Clock::time_point now);
  void DecideExcluded(const std::vector<AgentSocket>& excluded,
                      Clock::time_point now,
                      std::vector<AgentSocket>& selected);
  std::unique_ptr<AgentConnection> TakeConnection(const AgentSocket& socket,
                                                  Clock::time_point now);
  HeapDetailSets SetsOf(const AgentSocket& socket, const DetailQuery& details);
  void UpdateComm(const AgentSocket& socket, const Process& process,
                  const DetailQuery& details);
  void RemoveEnded(AgentConnections& connections, Clock::time_point deadline);
  void UpdateState(AgentConnections& connections);

  const ProcessFilter filter_;
  Connector* const connector_;
  mutable std::mutex mutex_;
  NamespaceCounts namespaces_;
  Clock::time_point next_scan_;
  std::map<AgentSocket, Record> records_;  ///< Of sockets that are listed.
};

}  // namespace jemalloc_exporter

#endif  // JEMALLOC_EXPORTER_EXPORTER_AGENT_CLIENT_AGENT_POLLER_H_
