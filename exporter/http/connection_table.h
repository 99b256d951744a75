#ifndef JEMALLOC_EXPORTER_EXPORTER_HTTP_CONNECTION_TABLE_H_
#define JEMALLOC_EXPORTER_EXPORTER_HTTP_CONNECTION_TABLE_H_

#include <sys/socket.h>

#include <chrono>
#include <cstddef>
#include <map>
#include <string>
#include <unordered_map>

namespace jemalloc_exporter {

/// Limits on the connections of a server.
struct ConnectionLimits {
  using Time = std::chrono::milliseconds;

  /// Connections in total. At most half of RLIMIT_NOFILE, so that the process
  /// keeps descriptors for its other work.
  std::size_t total = 2048;
  /// Connections of one client: an IPv4 address, or the /64 network of an IPv6
  /// address. Does not apply to Unix sockets.
  std::size_t per_client = 512;

  /// From the first byte of a request to its last; of the first request from
  /// the opening of the connection, a TLS handshake included. The default is
  /// Prometheus's scrape timeout.
  Time read_timeout{10'000};
  /// From the first byte of a response to its last.
  Time write_timeout{30'000};
  /// From the end of a response to the next request.
  Time idle_timeout{90'000};
  /// From the last response to the end of the connection, for the client to
  /// read it.
  Time linger_timeout{2'000};
};

/// The connections of a server and their deadlines. A connection that expires
/// or is evicted is shut down, which wakes its session. For one thread.
class ConnectionTable {
 public:
  using Clock = std::chrono::steady_clock;

  struct ConnectionState {
    int socket = -1;
    std::string client;  ///< `192.0.2.1`, `2001:db8::/64`; empty: Unix.
    Clock::time_point deadline;
    bool served = false;      ///< A response has been sent.
    bool receiving = true;    ///< Within the read timeout.
    bool dispatched = false;  ///< Its request is being processed.
    bool shut_down = false;
  };

  explicit ConnectionTable(const ConnectionLimits& limits);

  /// Whether a further connection can be accepted, possibly by an eviction.
  bool HasCapacity() const {
    return size_ < limits_.total || size_ > dispatched_;
  }

  /// Whether `client` may have one more connection. Evicts another one where
  /// that is necessary, one of the same client where that is at its limit.
  /// Never evicts a connection whose request is being processed. Prefers those
  /// without a response so far, then the earliest deadline.
  bool EvictForNew(const sockaddr* client);

  ConnectionState& Add(int socket, const sockaddr* client);
  void Remove(const ConnectionState& connection);

  /// The states of a connection, each with its deadline. A dispatched request
  /// has no deadline. `OnRequestStart` may be called for each part of
  /// a request.
  void OnRequestStart(ConnectionState& connection);
  void OnDispatch(ConnectionState& connection);
  void OnResponseStart(ConnectionState& connection);
  void OnIdle(ConnectionState& connection);
  void OnClosing(ConnectionState& connection);

  /// Shuts down the connections whose deadline has passed. Returns when to call
  /// it again.
  Clock::time_point CloseExpired();

  bool empty() const { return connections_.empty(); }
  bool has_dispatched() const { return dispatched_ > 0; }

  /// Shuts down all connections.
  void CloseAll();

 private:
  void Shutdown(ConnectionState& connection);
  void Uncount(const ConnectionState& connection);
  void SetDeadline(ConnectionState& connection, ConnectionLimits::Time time);

  ConnectionLimits limits_;
  std::unordered_map<int, ConnectionState> connections_;  // By socket.
  // Of those that are not shut down.
  std::size_t size_ = 0;
  std::size_t dispatched_ = 0;
  std::map<std::string, std::size_t> size_by_client_;
  Clock::time_point next_check_ = Clock::time_point::max();
};

}  // namespace jemalloc_exporter

#endif  // JEMALLOC_EXPORTER_EXPORTER_HTTP_CONNECTION_TABLE_H_
