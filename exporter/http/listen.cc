#include "exporter/http/listen.h"

#include <netdb.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <cerrno>
#include <charconv>
#include <cstdint>
#include <memory>
#include <string_view>
#include <system_error>

#include "exporter/http/unix_socket.h"

namespace jemalloc_exporter {
namespace {

constexpr std::string_view kUnix = "unix:";

struct HostPort {
  std::string host;  // Empty: every address.
  std::string port;
  bool bracketed = false;
};

// Returns why `address` is malformed; empty when it is not.
std::string Parse(const std::string& address, HostPort& result) {
  const auto colon = address.rfind(':');
  if (colon == std::string::npos) {
    return "no port; expected HOST:PORT, [IPV6]:PORT, :PORT or unix:PATH";
  }
  result.host = address.substr(0, colon);
  result.port = address.substr(colon + 1);

  std::uint16_t number = 0;
  const char* const end = result.port.data() + result.port.size();
  const auto [rest, error] = std::from_chars(result.port.data(), end, number);
  if (error != std::errc{} || rest != end) {
    return "the port must be a number from 0 to 65535";
  }

  std::string& host = result.host;
  if (host.size() > 2 && host.front() == '[' && host.back() == ']') {
    host = host.substr(1, host.size() - 2);
    result.bracketed = true;
  } else if (host.find_first_of(":[]") != std::string::npos) {
    return "an IPv6 address must stand in brackets, as in [::1]:80";
  }
  return {};
}

// Leaves the reason in errno when it returns none.
FileDescriptor Open(const addrinfo& address) {
  FileDescriptor listener(
      socket(address.ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!listener) return listener;
  const int on = 1;
  const int off = 0;
  // The connections of a former run must not hold the port.
  setsockopt(listener.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
  if (address.ai_family == AF_INET6) {
    setsockopt(listener.get(), IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof(off));
  }
  if (bind(listener.get(), address.ai_addr, address.ai_addrlen) != 0 ||
      listen(listener.get(), SOMAXCONN) != 0) {
    const int reason = errno;
    listener = FileDescriptor();
    errno = reason;
  }
  return listener;
}

// Returns why there is no `socket`; empty when there is.
std::string Open(const HostPort& where, FileDescriptor& socket) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_PASSIVE | AI_NUMERICSERV;
  if (where.bracketed) hints.ai_flags |= AI_NUMERICHOST;
  addrinfo* found = nullptr;
  const int failure =
      getaddrinfo(where.host.empty() ? nullptr : where.host.c_str(),
                  where.port.c_str(), &hints, &found);
  if (failure == EAI_SYSTEM) return std::generic_category().message(errno);
  if (failure != 0) return gai_strerror(failure);
  const std::unique_ptr<addrinfo, decltype(&freeaddrinfo)> addresses(
      found, &freeaddrinfo);
  // IPv6 takes IPv4 along where every address is meant; a name most likely
  // means IPv4.
  const bool ipv6_first = where.host.empty() || where.bracketed;
  std::string first_error;
  for (const bool is_ipv6 : {ipv6_first, !ipv6_first}) {
    for (const addrinfo* it = found; it != nullptr; it = it->ai_next) {
      if ((it->ai_family == AF_INET6) != is_ipv6) continue;
      socket = Open(*it);
      if (socket) return {};
      if (first_error.empty()) {
        first_error = std::generic_category().message(errno);
      }
      if (errno != EAFNOSUPPORT && errno != EADDRNOTAVAIL) return first_error;
    }
  }
  return first_error;
}

}  // namespace

FileDescriptor Listen(const std::string& address, std::string* error) {
  FileDescriptor socket;
  HostPort where;
  std::string reason;
  if (address.starts_with(kUnix)) {
    socket = ListenOnUnixSocket(address.substr(kUnix.size()), &reason);
  } else if (reason = Parse(address, where); reason.empty()) {
    reason = Open(where, socket);
  }
  if (!socket) *error = "cannot listen on " + address + ": " + reason;
  return socket;
}

std::string ListeningAddress(const FileDescriptor& socket) {
  if (const std::string path = UnixSocketPath(socket); !path.empty()) {
    return std::string(kUnix) + path;
  }
  sockaddr_storage address{};
  socklen_t size = sizeof(address);
  getsockname(socket.get(), reinterpret_cast<sockaddr*>(&address), &size);
  return AddressText(address);
}

int ListeningPort(const FileDescriptor& socket) {
  const std::string address = ListeningAddress(socket);
  int port = 0;
  if (!address.starts_with(kUnix)) {
    const char* const end = address.data() + address.size();
    std::from_chars(address.data() + address.rfind(':') + 1, end, port);
  }
  return port;
}

std::string AddressText(const sockaddr_storage& address) {
  const bool is_ipv6 = address.ss_family == AF_INET6;
  if (!is_ipv6 && address.ss_family != AF_INET) return "?";
  char host[NI_MAXHOST];
  char port[NI_MAXSERV];
  const int failure = getnameinfo(
      reinterpret_cast<const sockaddr*>(&address), sizeof(address), host,
      sizeof(host), port, sizeof(port), NI_NUMERICHOST | NI_NUMERICSERV);
  if (failure != 0) return "?";
  return (is_ipv6 ? "[" + std::string(host) + "]" : host) + ":" + port;
}

}  // namespace jemalloc_exporter
