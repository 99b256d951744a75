#ifndef JEMALLOC_EXPORTER_EXPORTER_WEB_CONNECTIONS_H_
#define JEMALLOC_EXPORTER_EXPORTER_WEB_CONNECTIONS_H_

#include <sys/socket.h>

#include <chrono>
#include <cstddef>
#include <map>
#include <string>
#include <unordered_map>

namespace jemalloc_exporter {

/// How many connections a server keeps, and how long each may take.
struct ConnectionLimits {
  using Time = std::chrono::milliseconds;

  /// Of all clients. A guest leaves its host enough file descriptors to live:
  /// it is half of those that the process may open, if that is less.
  std::size_t total = 2048;
  /// Of one client: an IPv4 address, or the /64 network of an IPv6 address. The
  /// clients of a Unix socket are not told apart.
  std::size_t per_client = 512;

  /// From the first byte of a request to its end, of the first request from the
  /// opening of the connection, a TLS handshake included; as long as Prometheus
  /// waits for a scrape by default.
  Time arrival{10'000};
  /// From the beginning of an answer to its end.
  Time departure{30'000};
  /// From the end of an answer to the next request: outlasts the scrape
  /// interval of most.
  Time idle{90'000};
  /// From the last answer to the end of a connection, for the client to read.
  Time farewell{2'000};
};

/// The connections of a server. One that takes too long, or stands in the way
/// of a newcomer, is cut off: its socket is shut down, and whoever reads and
/// writes there will close it. For one thread.
class Connections {
 public:
  using Clock = std::chrono::steady_clock;

  struct Connection {
    int socket = -1;
    std::string client;  ///< Equal for all that count as one client.
    Clock::time_point deadline;
    bool served = false;   ///< It has had an answer.
    bool arriving = true;  ///< Part of a request has come, or has to.
    bool working = false;  ///< A request of it is being worked on.
    bool cut_off = false;
  };

  explicit Connections(const ConnectionLimits& limits);

  /// Whether there may be one more, from anybody.
  bool HasRoom() const { return size_ < limits_.total || size_ > working_; }

  /// Whether `client` may have one more. Cuts off another if that takes it, one
  /// of the same client where that has too many. Never one that is being worked
  /// on; rather one that has had no answer yet, and the one whose time ends
  /// first.
  bool MakeRoom(const sockaddr* client);

  Connection& Add(int socket, const sockaddr* client);
  void Remove(const Connection& connection);

  /// What is done from now on, and ends in time: a request arrives, which may
  /// be said of each part of it; it is worked on, for as long as that takes; an
  /// answer leaves; a further request is awaited, or none.
  void Arrive(Connection& connection);
  void Work(Connection& connection);
  void Leave(Connection& connection);
  void Await(Connection& connection);
  void Dismiss(Connection& connection);

  /// Cuts off those whose time is over. Returns when to do so again.
  Clock::time_point CutOffLate();

 private:
  Connection* MostDispensable(const std::string* client);
  void CutOff(Connection& connection);
  void Forget(const Connection& connection);
  void SetWorking(Connection& connection, bool working);
  void SetDeadline(Connection& connection, ConnectionLimits::Time time);

  ConnectionLimits limits_;
  std::unordered_map<int, Connection> connections_;  // By socket.
  // Of those that are not cut off.
  std::size_t size_ = 0;
  std::size_t working_ = 0;
  std::map<std::string, std::size_t> size_by_client_;
  Clock::time_point next_look_ = Clock::time_point::max();
};

}  // namespace jemalloc_exporter

#endif  // JEMALLOC_EXPORTER_EXPORTER_WEB_CONNECTIONS_H_
