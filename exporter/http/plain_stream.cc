#include <sys/socket.h>

#include <cerrno>

#include "exporter/http/stream.h"

namespace jemalloc_exporter {
namespace {

class PlainStream final : public Stream {
 public:
  explicit PlainStream(int socket) : socket_(socket) {}

  IoResult Handshake(std::string*) override { return IoResult::kProgress; }

  IoResult Read(char* to, std::size_t size, std::size_t* count) override {
    const ssize_t received = recv(socket_, to, size, 0);
    if (received == 0) return IoResult::kClosed;
    return ResultOf(received, IoResult::kWantRead, count);
  }

  IoResult Write(std::string_view from, std::size_t* count) override {
    return ResultOf(send(socket_, from.data(), from.size(), MSG_NOSIGNAL),
                    IoResult::kWantWrite, count);
  }

  void ShutdownWrite() override { shutdown(socket_, SHUT_WR); }

 private:
  static IoResult ResultOf(ssize_t result, IoResult want, std::size_t* count) {
    if (result < 0) {
      return errno == EAGAIN || errno == EINTR ? want : IoResult::kClosed;
    }
    *count = static_cast<std::size_t>(result);
    return IoResult::kProgress;
  }

  const int socket_;
};

}  // namespace

std::unique_ptr<Stream> NewPlainStream(int socket) {
  return std::make_unique<PlainStream>(socket);
}

}  // namespace jemalloc_exporter
