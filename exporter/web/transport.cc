#include "web/transport.h"

#include <sys/socket.h>

#include <cerrno>
#include <utility>

namespace jemalloc_exporter {
namespace {

class Plain final : public Transport {
 public:
  explicit Plain(FileDescriptor socket) : socket_(std::move(socket)) {}

  Travel Receive(char* to, std::size_t size, std::size_t* count) override {
    const ssize_t received = recv(socket_.get(), to, size, 0);
    return received == 0 ? Travel::kEnded
                         : Judge(received, Travel::kWaitsToReceive, count);
  }

  Travel Send(std::string_view from, std::size_t* count) override {
    return Judge(send(socket_.get(), from.data(), from.size(), MSG_NOSIGNAL),
                 Travel::kWaitsToSend, count);
  }

  void EndSending() override { shutdown(socket_.get(), SHUT_WR); }

 private:
  static Travel Judge(ssize_t result, Travel wait, std::size_t* count) {
    if (result < 0) {
      const bool again = errno == EAGAIN || errno == EINTR;
      return again ? wait : Travel::kEnded;
    }
    *count = static_cast<std::size_t>(result);
    return Travel::kSome;
  }

  FileDescriptor socket_;
};

}  // namespace

std::unique_ptr<Transport> PlainTransport(FileDescriptor socket) {
  return std::make_unique<Plain>(std::move(socket));
}

}  // namespace jemalloc_exporter
