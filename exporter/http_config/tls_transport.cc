#include "exporter/http_config/tls_transport.h"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <sys/socket.h>

#include <algorithm>
#include <exception>
#include <limits>
#include <new>
#include <utility>

namespace jemalloc_exporter {
namespace {

class TlsSession final : public Transport {
 public:
  using OnFailure = std::function<void(const std::string& line)>;

  TlsSession(std::shared_ptr<const TlsContext> context, FileDescriptor socket,
             OnFailure on_failure)
      : context_(std::move(context)),
        socket_(std::move(socket)),
        on_failure_(std::move(on_failure)),
        session_(context_->NewSession()) {
    if (SSL_set_fd(session_.get(), socket_.get()) != 1) throw std::bad_alloc();
  }

  Travel Receive(char* to, std::size_t size, std::size_t* count) override {
    if (!handshake_done_) {
      ERR_clear_error();
      const int result = SSL_do_handshake(session_.get());
      if (result != 1) {
        const Travel travel = Failed(result);
        if (travel == Travel::kEnded) Report();
        return travel;
      }
      handshake_done_ = true;
    }
    ERR_clear_error();
    const int result = SSL_read(session_.get(), to, Size(size));
    if (result <= 0) return Failed(result);
    *count = static_cast<std::size_t>(result);
    return Travel::kSome;
  }

  Travel Send(std::string_view from, std::size_t* count) override {
    ERR_clear_error();
    const int result =
        SSL_write(session_.get(), from.data(), Size(from.size()));
    if (result <= 0) return Failed(result);
    *count = static_cast<std::size_t>(result);
    return Travel::kSome;
  }

  void EndSending() override {
    ERR_clear_error();
    if (!broken_) SSL_shutdown(session_.get());
    shutdown(socket_.get(), SHUT_WR);
  }

 private:
  static int Size(std::size_t size) {
    constexpr std::size_t kMax = std::numeric_limits<int>::max();
    return static_cast<int>(std::min(size, kMax));
  }

  Travel Failed(int result) {
    switch (SSL_get_error(session_.get(), result)) {
      case SSL_ERROR_WANT_READ:
        return Travel::kWaitsToReceive;
      case SSL_ERROR_WANT_WRITE:
        return Travel::kWaitsToSend;
      case SSL_ERROR_SSL:
      case SSL_ERROR_SYSCALL:
        broken_ = true;
        return Travel::kEnded;
      default:
        return Travel::kEnded;
    }
  }

  void Report() const try {
    const char* const reason = ERR_reason_error_string(ERR_peek_error());
    on_failure_(std::string("TLS handshake: ") +
                (reason == nullptr ? "connection closed" : reason));
  } catch (const std::exception&) {
    // No memory for the line.
  }

  const std::shared_ptr<const TlsContext> context_;
  const FileDescriptor socket_;
  const OnFailure on_failure_;
  const SslPtr session_;
  bool handshake_done_ = false;
  bool broken_ = false;  // SSL_shutdown is not allowed any more.
};

}  // namespace

std::unique_ptr<Transport> TlsTransport(
    std::shared_ptr<const TlsContext> context, FileDescriptor socket,
    std::function<void(const std::string& line)> on_failure) {
  return std::make_unique<TlsSession>(std::move(context), std::move(socket),
                                      std::move(on_failure));
}

}  // namespace jemalloc_exporter
