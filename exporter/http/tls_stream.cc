#include "exporter/http/tls_stream.h"

#include <openssl/err.h>
#include <sys/socket.h>

#include <algorithm>
#include <limits>
#include <new>
#include <utility>

namespace jemalloc_exporter {
namespace {

int Size(std::size_t size) {
  constexpr std::size_t kMax = std::numeric_limits<int>::max();
  return static_cast<int>(std::min(size, kMax));
}

class TlsStream final : public Stream {
 public:
  TlsStream(SslPtr session, int socket, std::shared_ptr<const void> context)
      : context_(std::move(context)),
        session_(std::move(session)),
        socket_(socket) {
    if (SSL_set_fd(session_.get(), socket) != 1) throw std::bad_alloc();
  }

  IoResult Handshake() override {
    ERR_clear_error();
    const int result = SSL_do_handshake(session_.get());
    if (result == 1) return IoResult::kProgress;
    const IoResult outcome = ResultOf(result);
    if (outcome == IoResult::kClosed) RecordError();
    return outcome;
  }

  IoResult Read(char* to, std::size_t size, std::size_t* count) override {
    ERR_clear_error();
    return ResultOf(SSL_read(session_.get(), to, Size(size)), count);
  }

  IoResult Write(std::string_view from, std::size_t* count) override {
    ERR_clear_error();
    return ResultOf(SSL_write(session_.get(), from.data(), Size(from.size())),
                    count);
  }

  void ShutdownWrite() override {
    ERR_clear_error();
    SSL_shutdown(session_.get());
    shutdown(socket_, SHUT_WR);
  }

  std::string handshake_error() const override { return error_; }

 private:
  IoResult ResultOf(int result, std::size_t* count) {
    if (result <= 0) return ResultOf(result);
    *count = static_cast<std::size_t>(result);
    return IoResult::kProgress;
  }

  IoResult ResultOf(int result) const {
    switch (SSL_get_error(session_.get(), result)) {
      case SSL_ERROR_WANT_READ:
        return IoResult::kWantRead;
      case SSL_ERROR_WANT_WRITE:
        return IoResult::kWantWrite;
      default:
        return IoResult::kClosed;
    }
  }

  void RecordError() {
    const auto code = ERR_peek_last_error();
    if (code == 0) return;
    const char* const reason = ERR_reason_error_string(code);
    error_ = reason == nullptr ? "unknown error" : reason;
  }

  const std::shared_ptr<const void> context_;
  const SslPtr session_;
  const int socket_;
  std::string error_;
};

}  // namespace

std::unique_ptr<Stream> NewTlsStream(SslPtr session, int socket,
                                     std::shared_ptr<const void> context) {
  return std::make_unique<TlsStream>(std::move(session), socket,
                                     std::move(context));
}

}  // namespace jemalloc_exporter
