#ifndef JEMALLOC_EXPORTER_TESTS_SUPPORT_HTTP_CLIENT_H_
#define JEMALLOC_EXPORTER_TESTS_SUPPORT_HTTP_CLIENT_H_

#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include "exporter/http/file_descriptor.h"

namespace jemalloc_exporter {

/// A client that sends the bytes given and adds none.
class HttpClient {
 public:
  explicit HttpClient(int port)
      : HttpClient(port, FileDescriptor(::socket(AF_INET, SOCK_STREAM, 0))) {}

  /// A response that takes longer counts as none, so that a test fails and does
  /// not hang.
  static constexpr int kReceiveTimeoutSeconds = 30;

  /// Connects an existing socket.
  HttpClient(int port, FileDescriptor socket)
      : port_(port), socket_(std::move(socket)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(static_cast<std::uint16_t>(port));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    const timeval timeout{kReceiveTimeoutSeconds, 0};
    setsockopt(socket_.get(), SOL_SOCKET, SO_RCVTIMEO, &timeout,
               sizeof(timeout));
    connected_ = connect(socket_.get(), reinterpret_cast<sockaddr*>(&address),
                         sizeof(address)) == 0;
  }

  bool connected() const { return connected_; }
  int port() const { return port_; }
  int socket() const { return socket_.get(); }

  /// The result is ignored: a server may close on a bad request.
  void Send(std::string_view text) const {
    send(socket_.get(), text.data(), text.size(), MSG_NOSIGNAL);
  }

  /// The next response as received, with a fixed Date. `has_body` is false for
  /// the response to a HEAD. A response that the server cuts short is returned
  /// as far as it was received.
  std::string Receive(bool has_body = true) {
    const std::string end_of_header_section = "\r\n\r\n";
    std::size_t size = 0;
    while ((size = received_.find(end_of_header_section)) ==
           std::string::npos) {
      if (!ReceiveSome()) return std::exchange(received_, {});
    }
    size += end_of_header_section.size();
    if (has_body) size += ContentLength(received_.substr(0, size));
    while (received_.size() < size) {
      if (!ReceiveSome()) return std::exchange(received_, {});
    }
    const std::string response = received_.substr(0, size);
    received_.erase(0, size);
    return WithoutDate(response);
  }

  /// Waits for the server to close. Returns all data received before.
  std::string ReceiveToEnd() {
    while (ReceiveSome()) {
    }
    return WithoutDate(std::exchange(received_, {}));
  }

  /// Closes with a reset instead of a FIN.
  void Reset() {
    const linger now{1, 0};
    setsockopt(socket_.get(), SOL_SOCKET, SO_LINGER, &now, sizeof(now));
    socket_ = FileDescriptor();
  }

 private:
  bool ReceiveSome() {
    std::array<char, 65536> buffer{};
    const ssize_t size = recv(socket_.get(), buffer.data(), buffer.size(), 0);
    if (size <= 0) return false;
    received_.append(buffer.data(), static_cast<std::size_t>(size));
    return true;
  }

  static std::size_t ContentLength(const std::string& head) {
    const std::string name = "\r\nContent-Length: ";
    const auto at = head.find(name);
    if (at == std::string::npos) return 0;
    return std::stoul(head.substr(at + name.size()));
  }

  static std::string WithoutDate(std::string response) {
    const std::string name = "\r\nDate: ";
    for (auto at = response.find(name); at != std::string::npos;
         at = response.find(name, at)) {
      at += name.size();
      response.replace(at, response.find("\r\n", at) - at, 1, '-');
    }
    return response;
  }

  int port_;
  FileDescriptor socket_;
  bool connected_ = false;
  std::string received_;
};

/// A GET request of HTTP/1.1 with the required fields and `more_headers`.
inline std::string Get(const std::string& target,
                       const std::string& more_headers = {}) {
  return "GET " + target + " HTTP/1.1\r\nHost: test\r\n" + more_headers +
         "\r\n";
}

/// Sends `request` on a new connection. Returns the response.
inline std::string SendRequest(int port, const std::string& request) {
  HttpClient client(port);
  client.Send(request);
  return client.Receive(!request.starts_with("HEAD"));
}

}  // namespace jemalloc_exporter

#endif  // JEMALLOC_EXPORTER_TESTS_SUPPORT_HTTP_CLIENT_H_
