#ifndef JEMALLOC_EXPORTER_EXPORTER_AGENT_CLIENT_AGENT_CONNECTION_H_
#define JEMALLOC_EXPORTER_EXPORTER_AGENT_CLIENT_AGENT_CONNECTION_H_

#include <sys/types.h>

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "exporter/agent/protocol.h"
#include "exporter/agent_client/agent_discovery.h"
#include "exporter/agent_client/listener.h"
#include "exporter/agent_client/response_parser.h"
#include "exporter/connector/connect_request.h"
#include "exporter/process/proc_stat.h"
#include "exporter/process/process.h"
#include "jemalloc_exporter/heap_details.h"

namespace jemalloc_exporter {

/// Returns whether to receive from the process that listens on a socket. False:
/// it must not be reported. Absent: that cannot be determined. `kernel_pid` is
/// from SO_PEERCRED; 0 for a process that is not visible from this pid
/// namespace.
using VerifyPeer =
    std::function<std::optional<bool>(const AgentAddress&, pid_t kernel_pid)>;

/// The connection to one agent's socket, over several attempts and polls. Not
/// thread-safe.
class AgentConnection {
 public:
  enum class State {
    kQueued,     ///< To be connected: the first time, or again.
    kConnected,  ///< Call `Receive` when `descriptor` is readable.
    kFinished,   ///< A document was received, or connect(2) failed.
    kClosed,     ///< The agent closed the connection without a document.
    kGone,       ///< The socket is closed, or its process has ended.
    kUnknown,    ///< Not connected, or `VerifyPeer` returned no result: not
                 ///< reported.
    kRejected    ///< `VerifyPeer` returned false: not reported.
  };

  explicit AgentConnection(const AgentSocket& socket) : socket_(socket) {}
  AgentConnection(const AgentConnection&) = delete;
  AgentConnection& operator=(const AgentConnection&) = delete;
  ~AgentConnection() { Close(); }

  State state() const { return state_; }
  const AgentSocket& socket() const { return socket_; }
  int descriptor() const { return descriptor_; }

  /// Whether the agent timed out in an earlier poll, and has not responded
  /// since.
  bool is_unresponsive() const { return is_unresponsive_; }
  void set_unresponsive() { is_unresponsive_ = true; }

  /// Whether the first attempt of this poll was at least `time` ago.
  bool HasWaited(std::chrono::steady_clock::duration time) const;

  /// Starts a poll. If a connection was kept from an earlier one, a document or
  /// an end of stream that has arrived since is discarded, and the agent is
  /// responsive again: goes from `kConnected` to `kQueued`.
  void DiscardLateResponse();

  /// Number of connections in this poll that were closed without a document.
  int closed_count() const { return closed_count_; }

  /// The details to request of the agent from the next `Connect` on.
  void set_requested(HeapDetailSets sets) { requested_ = sets; }

  /// The user that the agent is to see: after it closed a connection without
  /// a document, the one that called listen(2), which it serves in any user
  /// namespace. Others than `kOwnUser` take a `Connector`.
  uid_t user() const { return user_; }
  void set_user(uid_t user) { user_ = user; }

  /// What an earlier poll has read of the process that listens; its control
  /// group is not read again while the process is the same. Absent: not known.
  const std::optional<Listener>& listener() const { return listener_; }
  void set_listener(std::optional<Listener> listener) {
    listener_ = std::move(listener);
  }

  /// What to connect in the state `kQueued`.
  ConnectRequest request() const;

  /// Takes a result of `request`. Goes from `kQueued` to any state. Does not
  /// block.
  void Connect(ConnectResult result, const VerifyPeer& verify);

  /// Goes from `kQueued` to `kUnknown`: `request` cannot be connected.
  void Abandon() { Finish(State::kUnknown); }

  /// Start of the state `kConnected`.
  std::chrono::steady_clock::time_point connected_at() const {
    return connected_at_;
  }

  /// Goes from `kConnected` or `kClosed` to `kQueued`. Closes the connection
  /// and discards received data.
  void Requeue() { Finish(State::kQueued); }

  /// Receives available data. Goes from `kConnected` to `kConnected`,
  /// `kFinished` or `kClosed`. Does not block.
  void Receive();

  /// Returns the process as far as it is known: unreachable without a valid
  /// document. Absent when it has ended or must not be reported.
  std::optional<Process> ToProcess() const;

 private:
  void ReadProc();
  void Finish(State state);
  void Close();

  AgentSocket socket_;
  State state_ = State::kQueued;
  int descriptor_ = -1;
  bool is_unresponsive_ = false;
  int closed_count_ = 0;
  uid_t user_ = kOwnUser;
  uid_t listening_user_ = kOwnUser;  // From SO_PEERCRED.
  HeapDetailSets requested_;
  HeapDetailSets bound_;  // Requested by the name of the connected socket.
  std::optional<std::chrono::steady_clock::time_point> first_attempt_;
  std::chrono::steady_clock::time_point connected_at_;
  /// From SO_PEERCRED: the process that listens; 0 when it is not visible from
  /// this pid namespace, absent before the first connection.
  std::optional<pid_t> kernel_pid_;
  std::optional<ProcStat> stat_;
  std::optional<Listener> listener_;
  std::string document_;
  std::optional<ParsedResponse> response_;
};

using AgentConnections = std::vector<std::unique_ptr<AgentConnection>>;

}  // namespace jemalloc_exporter

#endif  // JEMALLOC_EXPORTER_EXPORTER_AGENT_CLIENT_AGENT_CONNECTION_H_
