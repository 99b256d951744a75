#include "exporter/http/connection_table.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/resource.h>

#include <algorithm>
#include <array>
#include <tuple>
#include <utility>

namespace jemalloc_exporter {
namespace {

// A check visits all connections.
constexpr std::chrono::milliseconds kMinCheckInterval{250};

std::string Text(int family, const void* address) {
  std::array<char, INET6_ADDRSTRLEN> text{};
  inet_ntop(family, address, text.data(), text.size());
  return text.data();
}

// An IPv6 client can use all 2^64 addresses of its network.
std::string ClientOf(const sockaddr* address) {
  if (address->sa_family == AF_INET) {
    return Text(AF_INET,
                &reinterpret_cast<const sockaddr_in*>(address)->sin_addr);
  }
  if (address->sa_family != AF_INET6) return {};
  in6_addr ipv6 = reinterpret_cast<const sockaddr_in6*>(address)->sin6_addr;
  if (IN6_IS_ADDR_V4MAPPED(&ipv6)) return Text(AF_INET, &ipv6.s6_addr32[3]);
  ipv6.s6_addr32[2] = ipv6.s6_addr32[3] = 0;
  return Text(AF_INET6, &ipv6) + "/64";
}

}  // namespace

ConnectionTable::ConnectionTable(const ConnectionLimits& limits)
    : limits_(limits) {
  rlimit descriptors{};
  if (getrlimit(RLIMIT_NOFILE, &descriptors) != 0) return;
  limits_.total =
      std::clamp<rlim_t>(descriptors.rlim_cur / 2, 1, limits_.total);
}

bool ConnectionTable::EvictForNew(const sockaddr* client) {
  const std::string name = ClientOf(client);
  const auto count = size_by_client_.find(name);
  const bool too_many = !name.empty() && count != size_by_client_.end() &&
                        count->second >= limits_.per_client;
  if (!too_many && size_ < limits_.total) return true;
  ConnectionState* victim = nullptr;
  for (auto& [socket, connection] : connections_) {
    if (connection.shut_down || connection.dispatched) continue;
    if (too_many && connection.client != name) continue;
    if (victim == nullptr || std::tie(connection.served, connection.deadline) <
                                 std::tie(victim->served, victim->deadline)) {
      victim = &connection;
    }
  }
  if (victim != nullptr) Shutdown(*victim);
  return victim != nullptr;
}

ConnectionTable::ConnectionState& ConnectionTable::Add(int socket,
                                                       const sockaddr* client) {
  std::string name = ClientOf(client);
  std::size_t& count = size_by_client_[name];
  ConnectionState& connection = connections_[socket];
  connection.socket = socket;
  connection.client = std::move(name);
  SetDeadline(connection, limits_.read_timeout);
  ++size_;
  ++count;
  return connection;
}

void ConnectionTable::Remove(const ConnectionState& connection) {
  if (!connection.shut_down) Uncount(connection);
  connections_.erase(connection.socket);
}

void ConnectionTable::OnRequestStart(ConnectionState& connection) {
  if (std::exchange(connection.receiving, true)) return;
  SetDeadline(connection, limits_.read_timeout);
}

void ConnectionTable::OnDispatch(ConnectionState& connection) {
  if (connection.shut_down) return;  // No longer counted.
  connection.dispatched = true;
  ++dispatched_;
}

void ConnectionTable::OnResponseStart(ConnectionState& connection) {
  if (std::exchange(connection.dispatched, false)) --dispatched_;
  SetDeadline(connection, limits_.write_timeout);
}

void ConnectionTable::OnIdle(ConnectionState& connection) {
  connection.served = true;
  connection.receiving = false;
  SetDeadline(connection, limits_.idle_timeout);
}

void ConnectionTable::OnClosing(ConnectionState& connection) {
  SetDeadline(connection, limits_.linger_timeout);
}

ConnectionTable::Clock::time_point ConnectionTable::CloseExpired() {
  const auto now = Clock::now();
  if (now < next_check_) return next_check_;
  auto earliest = Clock::time_point::max();
  for (auto& [socket, connection] : connections_) {
    if (connection.shut_down || connection.dispatched) continue;
    if (connection.deadline <= now) {
      Shutdown(connection);
    } else {
      earliest = std::min(earliest, connection.deadline);
    }
  }
  next_check_ = std::max(earliest, now + kMinCheckInterval);
  return next_check_;
}

void ConnectionTable::CloseAll() {
  for (auto& [socket, connection] : connections_) {
    if (!connection.shut_down) Shutdown(connection);
  }
}

void ConnectionTable::Shutdown(ConnectionState& connection) {
  Uncount(connection);
  connection.shut_down = true;
  shutdown(connection.socket, SHUT_RDWR);
}

void ConnectionTable::Uncount(const ConnectionState& connection) {
  --size_;
  if (connection.dispatched) --dispatched_;
  const auto count = size_by_client_.find(connection.client);
  if (--count->second == 0) size_by_client_.erase(count);
}

void ConnectionTable::SetDeadline(ConnectionState& connection,
                                  ConnectionLimits::Time time) {
  connection.deadline = Clock::now() + time;
  next_check_ = std::min(next_check_, connection.deadline);
}

}  // namespace jemalloc_exporter
