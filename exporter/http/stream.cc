#include "exporter/http/stream.h"

#include <sys/socket.h>

#include <cerrno>

namespace jemalloc_exporter {
namespace {

IoResult ResultOf(ssize_t size, IoResult want, std::size_t* count) {
  if (size < 0) {
    return errno == EAGAIN || errno == EINTR ? want : IoResult::kClosed;
  }
  *count = static_cast<std::size_t>(size);
  return IoResult::kProgress;
}

}  // namespace

IoResult Stream::Handshake(std::string*) { return IoResult::kProgress; }

IoResult Stream::Read(char* to, std::size_t size, std::size_t* count) {
  const ssize_t received = recv(socket_, to, size, 0);
  if (received == 0) return IoResult::kClosed;
  return ResultOf(received, IoResult::kWantRead, count);
}

IoResult Stream::Write(std::string_view from, std::size_t* count) {
  return ResultOf(send(socket_, from.data(), from.size(), MSG_NOSIGNAL),
                  IoResult::kWantWrite, count);
}

void Stream::ShutdownWrite() { shutdown(socket_, SHUT_WR); }

}  // namespace jemalloc_exporter
