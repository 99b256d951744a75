#ifndef JEMALLOC_EXPORTER_EXPORTER_AGENT_CLIENT_PEER_H_
#define JEMALLOC_EXPORTER_EXPORTER_AGENT_CLIENT_PEER_H_

#include <sys/types.h>

#include <chrono>
#include <optional>
#include <string>

#include "exporter/agent/wire.h"
#include "exporter/agent_client/answer_parser.h"
#include "exporter/agent_client/pid_namespaces.h"
#include "exporter/process/process.h"

namespace jemalloc_exporter {

/// One socket with an agent's name, and who answers there.
class Peer {
 public:
  enum class State {
    kWaiting,  ///< Not connected yet: it has too many visitors, or we have.
    kOpen,     ///< Connected: call `Receive` when `descriptor` is readable.
    kDone,     ///< Answered, well or badly.
    kIgnored,  ///< Nobody, or somebody in another's name.
  };

  explicit Peer(AgentName name) : name_(name) {}
  Peer(const Peer&) = delete;
  Peer& operator=(const Peer&) = delete;
  ~Peer() { Close(); }

  State state() const { return state_; }
  int descriptor() const { return descriptor_; }

  /// Goes from `kWaiting` to any state. Does not wait.
  void Connect(PidNamespaces& namespaces);

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

  AgentName name_;
  State state_ = State::kWaiting;
  int descriptor_ = -1;
  std::chrono::steady_clock::time_point opened_;
  /// The process that listens there, as the kernel has it: 0 when that is
  /// outside of our pid namespace, absent before we are connected.
  std::optional<pid_t> kernel_pid_;
  std::string document_;
  std::optional<ParsedAnswer> answer_;
};

}  // namespace jemalloc_exporter

#endif  // JEMALLOC_EXPORTER_EXPORTER_AGENT_CLIENT_PEER_H_
