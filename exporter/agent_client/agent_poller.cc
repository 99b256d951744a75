#include "exporter/agent_client/agent_poller.h"

#include <algorithm>
#include <exception>
#include <memory>
#include <optional>
#include <set>
#include <tuple>
#include <utility>

#include "exporter/agent_client/poll_loop.h"
#include "exporter/process/proc_stat.h"
#include "exporter/text/sanitize_label.h"

namespace jemalloc_exporter {
namespace {

using std::chrono::steady_clock;

// How long a socket's name that belongs to no included process is skipped.
// Finite, because a filter that failed for lack of descriptors looks the same.
constexpr std::chrono::seconds kRejectionTime{60};

// Connections to unresponsive agents that stay open between polls.
constexpr std::size_t kMaxKeptConnections = 256;

// Between two listings of /proc, which take 1 ms for every 50 processes.
constexpr std::chrono::seconds kScanInterval{1};

// A pid verified by the kernel before the pid of a name.
void OrderByPid(std::vector<Process>& processes) {
  std::stable_sort(
      processes.begin(), processes.end(),
      [](const Process& a, const Process& b) {
        return std::tuple(a.pid, a.comm, a.pid_is_unverified, a.status) <
               std::tuple(b.pid, b.comm, b.pid_is_unverified, b.status);
      });
  const auto end = std::unique(processes.begin(), processes.end(),
                               [](const Process& a, const Process& b) {
                                 return a.pid == b.pid && a.comm == b.comm;
                               });
  processes.erase(end, processes.end());
}

void LimitUnverifiedProcesses(std::vector<Process>& processes) {
  std::size_t unverified = 0;
  std::erase_if(processes, [&](const Process& process) {
    return process.pid_is_unverified && ++unverified > kMaxUnverifiedProcesses;
  });
}

// Both sockets are named for the pid in the process's own pid namespace.
bool HasProfileSocket(const AgentSocket& agent,
                      const std::vector<AgentSocket>& profiles) {
  const auto socket = std::lower_bound(
      profiles.begin(), profiles.end(), agent.name.pid,
      [](const AgentSocket& listed, int pid) { return listed.name.pid < pid; });
  return agent.network_namespace == 0 && socket != profiles.end() &&
         socket->name.pid == agent.name.pid;
}

// Whether the agent has neither responded nor failed in time.
bool HasTimedOut(const AgentConnection& connection) {
  return (connection.state() == AgentConnection::State::kConnected ||
          connection.state() == AgentConnection::State::kQueued) &&
         (connection.is_unresponsive() ||
          connection.HasWaited(kUnresponsiveTimeout));
}

}  // namespace

AgentPoller::AgentPoller(ProcessFilter filter, Connector* connector)
    : filter_(std::move(filter)), connector_(connector) {}

std::optional<NamespaceCounts> AgentPoller::namespaces() const {
  if (connector_ == nullptr) return std::nullopt;
  const std::lock_guard lock(mutex_);
  return namespaces_;
}

AgentSockets AgentPoller::Discover(Clock::time_point deadline) {
  AgentSockets sockets = DiscoverSockets();
  if (connector_ == nullptr) return sockets;
  NamespaceCounts counts = *namespaces();
  sockets.agents = AddOtherNamespaces(std::move(sockets.agents), *connector_,
                                      deadline, &counts);
  const std::lock_guard lock(mutex_);
  namespaces_ = counts;
  return sockets;
}

std::vector<Process> AgentPoller::Poll(std::chrono::duration<double> timeout,
                                       const DetailQuery& details) noexcept
    try {
  const auto now = Clock::now();
  const auto deadline =
      now + std::chrono::duration_cast<Clock::duration>(timeout);
  const AgentSockets listed = Discover(deadline);
  AgentConnections connections;
  for (const AgentSocket& socket : SelectSockets(listed.agents, now)) {
    connections.push_back(TakeConnection(socket, now));
    connections.back()->set_requested(SetsOf(socket, details));
  }
  NamespacePidCache namespaces;
  RunPollLoop(
      connections, deadline,
      [&](const AgentAddress& name, pid_t kernel_pid) {
        return filter_.Verify(name, kernel_pid, namespaces);
      },
      connector_);
  RemoveEnded(connections, deadline);
  std::vector<Process> processes;
  for (const auto& connection : connections) {
    auto process = connection->ToProcess();
    if (process &&
        (!process->pid_is_unverified || filter_.Includes(process->pid))) {
      UpdateComm(connection->socket(), *process, details);
      details.RemoveOthers(*process);
      process->has_profile_socket =
          !process->pid_is_unverified &&
          HasProfileSocket(connection->socket(), listed.profiles);
      processes.push_back(*std::move(process));
    }
  }
  UpdateState(connections);
  OrderByPid(processes);
  LimitUnverifiedProcesses(processes);
  return processes;
} catch (const std::exception&) {
  return {};
}

// The name is known before the connection where the process has the pid of the
// socket's name here.
HeapDetailSets AgentPoller::SetsOf(const AgentSocket& socket,
                                   const DetailQuery& details) {
  if (!details.includes || !details.sets.any()) return details.sets;
  {
    const std::lock_guard lock(mutex_);
    const auto found = records_.find(socket);
    if (found != records_.end() && !found->second.comm.empty()) {
      return details.SetsOf(found->second.comm);
    }
  }
  const auto stat = ReadProcStat(socket.name.pid);
  if (!stat) return {};
  return details.SetsOf(SanitizeLabel(stat->comm, kMaxCommSize));
}

void AgentPoller::UpdateComm(const AgentSocket& socket, const Process& process,
                             const DetailQuery& details) {
  if (!details.includes || process.comm.empty() ||
      (process.pid == socket.name.pid && !process.pid_is_unverified)) {
    return;
  }
  const std::lock_guard lock(mutex_);
  records_[socket].comm = process.comm;
}

// A connection that was closed without a document is either refused by the
// agent, or the process has ended or executes another program. Only the first
// leaves its socket in the table.
void AgentPoller::RemoveEnded(AgentConnections& connections,
                              Clock::time_point deadline) {
  const auto is_closed = [](const auto& connection) {
    return connection->closed_count() > 0 &&
           connection->state() != AgentConnection::State::kFinished;
  };
  if (std::none_of(connections.begin(), connections.end(), is_closed)) return;
  const std::vector<AgentSocket> listed = Discover(deadline).agents;
  std::erase_if(connections, [&](const auto& connection) {
    return is_closed(connection) &&
           !std::binary_search(listed.begin(), listed.end(),
                               connection->socket());
  });
}

std::vector<AgentSocket> AgentPoller::SelectSockets(
    const std::vector<AgentSocket>& listed, Clock::time_point now) {
  std::vector<AgentSocket> selected;
  std::vector<AgentSocket> excluded;
  for (const AgentSocket& socket : RemoveDecided(listed, now, selected)) {
    (filter_.Includes(socket.name.pid) ? selected : excluded).push_back(socket);
  }
  if (!excluded.empty() && IsScanDue(now)) {
    DecideExcluded(excluded, now, selected);
  }
  OrderForConnecting(selected);
  return selected;
}

// Returns the sockets of `listed` without a decision; appends to `selected`
// those that are to be connected to.
std::vector<AgentSocket> AgentPoller::RemoveDecided(
    const std::vector<AgentSocket>& listed, Clock::time_point now,
    std::vector<AgentSocket>& selected) {
  std::vector<AgentSocket> undecided;
  const std::lock_guard lock(mutex_);
  std::erase_if(records_, [&](const auto& record) {
    return !std::binary_search(listed.begin(), listed.end(), record.first);
  });
  for (const AgentSocket& socket : listed) {
    const auto record = records_.find(socket);
    if (record == records_.end() || !record->second.decision ||
        record->second.decision->until <= now) {
      undecided.push_back(socket);
    } else if (record->second.decision->connect) {
      selected.push_back(socket);
    }
  }
  return undecided;
}

bool AgentPoller::IsScanDue(Clock::time_point now) {
  const std::lock_guard lock(mutex_);
  if (now < next_scan_) return false;
  next_scan_ = now + kScanInterval;
  return true;
}

// Each of `excluded` has the name of no included process in this pid namespace,
// but may belong to one in another.
void AgentPoller::DecideExcluded(const std::vector<AgentSocket>& excluded,
                                 Clock::time_point now,
                                 std::vector<AgentSocket>& selected) {
  std::set<pid_t> pids;
  for (const AgentSocket& socket : excluded) pids.insert(socket.name.pid);
  const std::set<pid_t> nested = filter_.FindNested(pids);
  const std::lock_guard lock(mutex_);
  for (const AgentSocket& socket : excluded) {
    if (nested.contains(socket.name.pid)) {
      records_[socket].decision = {true, Clock::time_point::max()};
      selected.push_back(socket);
    } else {
      records_[socket].decision = {false, now + kRejectionTime};
    }
  }
}

// Returns the connection of an earlier poll if the agent was unresponsive.
// While a poll in another thread uses that one, returns a new one.
std::unique_ptr<AgentConnection> AgentPoller::TakeConnection(
    const AgentSocket& socket, Clock::time_point now) {
  const std::lock_guard lock(mutex_);
  const auto found = records_.find(socket);
  if (found == records_.end()) return std::make_unique<AgentConnection>(socket);
  Record& record = found->second;
  std::unique_ptr<AgentConnection> connection = std::move(record.connection);
  if (!connection) {
    connection = std::make_unique<AgentConnection>(socket);
    if (record.is_unresponsive) connection->set_unresponsive();
    connection->set_user(record.user);
  }
  const auto& listener = record.listener;
  connection->set_listener(
      listener && listener->IsRecent(socket, now) ? listener : std::nullopt);
  return connection;
}

void AgentPoller::UpdateState(AgentConnections& connections) {
  const std::size_t max_kept =
      std::min(kMaxKeptConnections, MaxConnections() / 2);
  std::size_t kept = 0;
  const std::lock_guard lock(mutex_);
  for (auto& connection : connections) {
    Record& record = records_[connection->socket()];
    const AgentConnection::State state = connection->state();
    if (state == AgentConnection::State::kRejected) {
      record.decision = {false, Clock::time_point::max()};
    }
    if (state == AgentConnection::State::kFinished) {
      record.user = connection->user();
    }
    if (connection->listener()) record.listener = connection->listener();
    record.is_unresponsive = HasTimedOut(*connection);
    record.connection.reset();
    if (!record.is_unresponsive) continue;
    if (state == AgentConnection::State::kConnected && ++kept > max_kept) {
      connection->Requeue();
    }
    connection->set_unresponsive();
    record.connection = std::move(connection);
  }
}

}  // namespace jemalloc_exporter
