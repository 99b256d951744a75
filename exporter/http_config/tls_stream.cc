// The streams of a TlsServerContext.

#include <openssl/err.h>

#include <new>
#include <utility>

#include "exporter/http_config/tls_context.h"

namespace jemalloc_exporter {
namespace {

class TlsStream final : public Stream {
 public:
  TlsStream(std::shared_ptr<const TlsServerContext> context, int socket)
      : Stream(socket),
        context_(std::move(context)),
        session_(context_->NewSession()) {
    if (SSL_set_fd(session_.get(), socket) != 1) throw std::bad_alloc();
  }

  IoResult Handshake(std::string* error) override {
    ERR_clear_error();
    const IoResult result = ResultOf(SSL_do_handshake(session_.get()));
    const auto code = ERR_peek_last_error();
    if (result == IoResult::kClosed && code != 0) {
      const char* const reason = ERR_reason_error_string(code);
      *error = reason == nullptr ? "unknown error" : reason;
    }
    return result;
  }

  IoResult Read(char* to, std::size_t size, std::size_t* count) override {
    ERR_clear_error();
    return ResultOf(SSL_read_ex(session_.get(), to, size, count));
  }

  IoResult Write(std::string_view from, std::size_t* count) override {
    ERR_clear_error();
    return ResultOf(
        SSL_write_ex(session_.get(), from.data(), from.size(), count));
  }

  void ShutdownWrite() override {
    ERR_clear_error();
    SSL_shutdown(session_.get());
    Stream::ShutdownWrite();
  }

 private:
  IoResult ResultOf(int result) const {
    if (result == 1) return IoResult::kProgress;
    switch (SSL_get_error(session_.get(), result)) {
      case SSL_ERROR_WANT_READ:
        return IoResult::kWantRead;
      case SSL_ERROR_WANT_WRITE:
        return IoResult::kWantWrite;
      default:
        return IoResult::kClosed;
    }
  }

  const std::shared_ptr<const TlsServerContext> context_;
  const SslPtr session_;
};

}  // namespace

std::unique_ptr<Stream> NewTlsStream(
    std::shared_ptr<const TlsServerContext> context, int socket) {
  return std::make_unique<TlsStream>(std::move(context), socket);
}

}  // namespace jemalloc_exporter
