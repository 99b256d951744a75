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
    kDone,     ///< Answered, well or badly.
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

  /// Goes from `kWaiting` to any state. Does not wait.
  void Connect(const VerifyPeer& verify);

  /// Since when it is `kOpen`.
  std::chrono::steady_clock::time_point opened() const { return opened_; }

  /// Leaves its place to another: goes from `kOpen` to `kWaiting`, and what has
  /// come is lost.
  void GiveWay() { Finish(State::kWaiting); }

  /// Takes what has come; goes from `kOpen` to `kOpen` or `kDone`. Does not
  /// wait.
  void Receive();

  /// What is known of the process by now; absent where there is none.
  std::optional<Process> ToProcess() const;

 private:
  void Finish(State state);
  void Close();

  AgentSocket socket_;
  State state_ = State::kWaiting;
  int descriptor_ = -1;
  std::chrono::steady_clock::time_point opened_;
  /// The process that listens there, as the kernel has it: 0 when that is
  /// outside of our pid namespace, absent before we are connected.
  std::optional<pid_t> kernel_pid_;
  std::string document_;
  std::optional<ParsedAnswer> answer_;
};

using Peers = std::vector<std::unique_ptr<Peer>>;

}  // namespace jemalloc_exporter

#endif  // JEMALLOC_EXPORTER_EXPORTER_AGENT_CLIENT_PEER_H_
