#include "web/connections.h"

#include <netinet/in.h>
#include <sys/resource.h>

#include <algorithm>
#include <tuple>
#include <utility>

namespace jemalloc_exporter {
namespace {

// Between two looks at all connections, which takes its time.
constexpr std::chrono::milliseconds kLookInterval{250};

template <typename T>
std::string Bytes(const T& value, std::size_t size = sizeof(T)) {
  return {reinterpret_cast<const char*>(&value), size};
}

// Whoever has an IPv6 address has the other 2^64 of its network as well.
std::string ClientAt(const sockaddr* address) {
  if (address->sa_family == AF_INET) {
    return Bytes(reinterpret_cast<const sockaddr_in*>(address)->sin_addr);
  }
  if (address->sa_family != AF_INET6) return {};
  const in6_addr& ipv6 =
      reinterpret_cast<const sockaddr_in6*>(address)->sin6_addr;
  if (IN6_IS_ADDR_V4MAPPED(&ipv6)) return Bytes(ipv6.s6_addr32[3]);
  return Bytes(ipv6, sizeof(ipv6) / 2);
}

}  // namespace

Connections::Connections(const ConnectionLimits& limits) : limits_(limits) {
  rlimit descriptors{};
  if (getrlimit(RLIMIT_NOFILE, &descriptors) != 0) return;
  limits_.total =
      std::clamp<rlim_t>(descriptors.rlim_cur / 2, 1, limits_.total);
}

bool Connections::MakeRoom(const sockaddr* client) {
  const std::string name = ClientAt(client);
  const auto count = size_by_client_.find(name);
  const bool too_many = !name.empty() && count != size_by_client_.end() &&
                        count->second >= limits_.per_client;
  if (!too_many && size_ < limits_.total) return true;
  Connection* const dispensable = MostDispensable(too_many ? &name : nullptr);
  if (dispensable == nullptr) return false;
  CutOff(*dispensable);
  return true;
}

Connections::Connection* Connections::MostDispensable(
    const std::string* client) {
  Connection* most = nullptr;
  for (auto& [socket, connection] : connections_) {
    if (connection.cut_off || connection.working) continue;
    if (client != nullptr && connection.client != *client) continue;
    if (most == nullptr || std::tie(connection.served, connection.deadline) <
                               std::tie(most->served, most->deadline)) {
      most = &connection;
    }
  }
  return most;
}

Connections::Connection& Connections::Add(int socket, const sockaddr* client) {
  Connection& connection = connections_[socket];
  connection.socket = socket;
  connection.client = ClientAt(client);
  SetDeadline(connection, limits_.arrival);
  ++size_;
  ++size_by_client_[connection.client];
  return connection;
}

void Connections::Remove(const Connection& connection) {
  if (!connection.cut_off) Forget(connection);
  connections_.erase(connection.socket);
}

void Connections::Arrive(Connection& connection) {
  if (std::exchange(connection.arriving, true)) return;
  SetDeadline(connection, limits_.arrival);
}

void Connections::Work(Connection& connection) { SetWorking(connection, true); }

void Connections::Leave(Connection& connection) {
  SetWorking(connection, false);
  SetDeadline(connection, limits_.departure);
}

void Connections::Await(Connection& connection) {
  connection.served = true;
  connection.arriving = false;
  SetDeadline(connection, limits_.idle);
}

void Connections::Dismiss(Connection& connection) {
  SetDeadline(connection, limits_.farewell);
}

Connections::Clock::time_point Connections::CutOffLate() {
  const auto now = Clock::now();
  if (now < next_look_) return next_look_;
  auto earliest = Clock::time_point::max();
  for (auto& [socket, connection] : connections_) {
    if (connection.cut_off || connection.working) continue;
    if (connection.deadline <= now) {
      CutOff(connection);
    } else {
      earliest = std::min(earliest, connection.deadline);
    }
  }
  next_look_ = std::max(earliest, now + kLookInterval);
  return next_look_;
}

void Connections::CutOff(Connection& connection) {
  Forget(connection);
  connection.cut_off = true;
  shutdown(connection.socket, SHUT_RDWR);
}

void Connections::Forget(const Connection& connection) {
  --size_;
  if (connection.working) --working_;
  const auto count = size_by_client_.find(connection.client);
  if (--count->second == 0) size_by_client_.erase(count);
}

void Connections::SetWorking(Connection& connection, bool working) {
  if (connection.working == working) return;
  connection.working = working;
  working_ += working ? 1 : -1;
}

void Connections::SetDeadline(Connection& connection,
                              ConnectionLimits::Time time) {
  connection.deadline = Clock::now() + time;
  next_look_ = std::min(next_look_, connection.deadline);
}

}  // namespace jemalloc_exporter
