#ifndef JEMALLOC_EXPORTER_EXPORTER_AGENT_CLIENT_PEER_H_
#define JEMALLOC_EXPORTER_EXPORTER_AGENT_CLIENT_PEER_H_

#include <sys/types.h>

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "exporter/agent/wire.h"
#include "exporter/agent_client/answer_parser.h"
#include "exporter/agent_client/socket_list.h"
#include "exporter/process/proc_stat.h"
#include "exporter/process/process.h"

namespace jemalloc_exporter {

/// Whether to receive from the process that listens with a name: false for one
/// that is not to be reported, absent where that cannot be determined.
/// `kernel_pid` is from SO_PEERCRED: 0 outside of the visible pid namespaces.
using VerifyPeer =
    std::function<std::optional<bool>(const AgentName&, pid_t kernel_pid)>;

/// One socket with an agent's name, and who answers there.
class Peer {
 public:
  enum class State {
    kWaiting,  ///< Not connected yet: it has too many visitors, or we have.
    kOpen,     ///< Connected: call `Receive` when `descriptor` is readable.
    kDone,     ///< A document was received, or connecting failed.
    kClosed,   ///< The connection was closed without a document.
    kGone,     ///< Nothing listens there any more.
    kIgnored,  ///< Connected, but the process is unknown: it is not reported.
    kRejected  ///< Connected to a process that is not to be reported.
  };

  explicit Peer(const AgentSocket& socket) : socket_(socket) {}
  Peer(const Peer&) = delete;
  Peer& operator=(const Peer&) = delete;
  ~Peer() { Close(); }

  State state() const { return state_; }
  const AgentSocket& socket() const { return socket_; }
  int descriptor() const { return descriptor_; }

  /// Whether it did not respond in an earlier poll, and has not since.
  bool is_unresponsive() const { return is_unresponsive_; }
  void set_unresponsive() { is_unresponsive_ = true; }

  /// Whether it has been waited for at least for so long in this poll.
  bool HasWaited(std::chrono::steady_clock::duration time) const;

  /// Starts a poll, for one that was kept unresponsive with its connection. A
  /// response, or the end of the connection, is of the time before: it is
  /// dropped, and shows that the peer is responsive again. Goes from `kOpen` to
  /// `kOpen` or `kWaiting`.
  void DropEarlierResponse();

  /// How many connections were closed without a document.
  int closed_connections() const { return closed_connections_; }

  /// Goes from `kWaiting` to any state. Does not wait.
  void Connect(const VerifyPeer& verify);

  /// Since when it is `kOpen`.
  std::chrono::steady_clock::time_point opened() const { return opened_; }

  /// Closes the connection, to connect anew: goes from `kOpen` or `kClosed` to
  /// `kWaiting`, and what has come is lost.
  void GiveWay() { Finish(State::kWaiting); }

  /// Takes what has come; goes from `kOpen` to `kOpen`, `kDone` or `kClosed`.
  /// Does not wait.
  void Receive();

  /// What is known of the process by now; absent where there is none.
  std::optional<Process> ToProcess() const;

 private:
  void ReadProc();
  void Finish(State state);
  void Close();

  AgentSocket socket_;
  State state_ = State::kWaiting;
  int descriptor_ = -1;
  bool is_unresponsive_ = false;
  int closed_connections_ = 0;
  std::optional<std::chrono::steady_clock::time_point> first_attempt_;
  std::chrono::steady_clock::time_point opened_;
  /// The process that listens there, as the kernel has it: 0 when that is
  /// outside of our pid namespace, absent before we are connected.
  std::optional<pid_t> kernel_pid_;
  std::optional<ProcStat> stat_;
  std::string document_;
  std::optional<ParsedAnswer> answer_;
};

using Peers = std::vector<std::unique_ptr<Peer>>;

}  // namespace jemalloc_exporter

#endif  // JEMALLOC_EXPORTER_EXPORTER_AGENT_CLIENT_PEER_H_
