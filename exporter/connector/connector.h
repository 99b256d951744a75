#ifndef JEMALLOC_EXPORTER_EXPORTER_CONNECTOR_CONNECTOR_H_
#define JEMALLOC_EXPORTER_EXPORTER_CONNECTOR_CONNECTOR_H_

#include <sys/types.h>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "exporter/connector/connect_request.h"
#include "exporter/connector/packet.h"
#include "exporter/http/file_descriptor.h"

namespace jemalloc_exporter {

/// The largest number of requests of one `Connector::Connect`.
inline constexpr std::size_t kMaxConnectRequests = kMaxPacketItems;

/// A process with the capabilities to connect to agents of all network
/// namespaces, while this one, which parses what clients and agents send, can
/// do without. It passes connected sockets to this process by SCM_RIGHTS, and
/// ends with it. Thread-safe, except the constructor.
class Connector {
 public:
  using Deadline = std::chrono::steady_clock::time_point;

  /// Forks the connector; call before starting threads, and with the
  /// capabilities that it shall have. `on_end` is called once, with one line,
  /// when the connector has ended unexpectedly; it must be thread-safe, and
  /// may be empty. Throws std::runtime_error.
  explicit Connector(std::function<void(const std::string&)> on_end = {});
  Connector(const Connector&) = delete;
  Connector& operator=(const Connector&) = delete;
  /// Ends the connector.
  ~Connector();

  pid_t pid() const { return pid_; }

  /// What keeps the connector from reading every network namespace, in one
  /// line; empty when nothing does.
  const std::string& limitation() const { return limitation_; }

  /// False once the connector has ended.
  bool is_running() const;

  /// Calls `read` for each network namespace but the own one that has a
  /// process, with its table of sockets, /proc/PID/net/unix. Returns the number
  /// of namespaces that cannot be read; absent when the connector has ended or
  /// is not done at `deadline`. Throws what `read` throws.
  std::optional<std::size_t> List(
      Deadline deadline,
      const std::function<void(NetworkNamespace, int table)>& read);

  /// Connects up to `kMaxConnectRequests` sockets; a result for each request,
  /// in the same order. Empty when the connector has ended or is not done at
  /// `deadline`. Calls `meanwhile` once, while the connector connects; it must
  /// not use this object. Throws what `meanwhile` throws.
  std::vector<ConnectResult> Connect(
      const std::vector<ConnectRequest>& requests, Deadline deadline,
      const std::function<void()>& meanwhile = [] {});

 private:
  void AwaitStart();
  bool Send(PacketType type, const std::vector<ConnectItem>& items,
            Deadline deadline);
  bool Receive(Packet& packet, Deadline deadline);
  void End(const std::string& problem);

  const std::function<void(const std::string&)> on_end_;
  mutable std::mutex mutex_;
  FileDescriptor socket_;
  pid_t pid_ = -1;
  std::string limitation_;
  std::uint32_t number_ = 0;
  /// Whether packets of request `number_` are still to be received.
  bool is_pending_ = false;
};

}  // namespace jemalloc_exporter

#endif  // JEMALLOC_EXPORTER_EXPORTER_CONNECTOR_CONNECTOR_H_
