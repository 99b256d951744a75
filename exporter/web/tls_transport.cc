#include "web/tls_transport.h"

#include <gnutls/gnutls.h>
#include <sys/socket.h>

#include <exception>
#include <utility>

namespace jemalloc_exporter {
namespace {

class TlsSession final : public Transport {
 public:
  using OnFailure = std::function<void(const std::string& line)>;

  TlsSession(std::shared_ptr<const Tls> tls, FileDescriptor socket,
             OnFailure on_failure)
      : tls_(std::move(tls)),
        socket_(std::move(socket)),
        on_failure_(std::move(on_failure)) {
    constexpr unsigned kFlags =
        GNUTLS_SERVER | GNUTLS_NONBLOCK | GNUTLS_NO_SIGNAL;
    if (gnutls_init(&session_, kFlags) != GNUTLS_E_SUCCESS) return;
    usable_ = tls_->Secure(session_) == GNUTLS_E_SUCCESS;
    gnutls_transport_set_int(session_, socket_.get());
    // A client that would rather speak HTTP/2 learns that it may not.
    unsigned char http[] = "http/1.1";
    const gnutls_datum_t protocol{http, sizeof(http) - 1};
    gnutls_alpn_set_protocols(session_, &protocol, 1, 0);
  }
  TlsSession(const TlsSession&) = delete;
  TlsSession& operator=(const TlsSession&) = delete;
  ~TlsSession() override {
    if (session_ != nullptr) gnutls_deinit(session_);
  }

  Travel Receive(char* to, std::size_t size, std::size_t* count) override {
    const Travel travel = ShakeHands();
    if (travel != Travel::kSome) return travel;
    ssize_t received = 0;
    do {
      received = gnutls_record_recv(session_, to, size);
    } while (received == GNUTLS_E_WARNING_ALERT_RECEIVED);
    return received == 0 ? Travel::kEnded : Judge(received, count);
  }

  Travel Send(std::string_view from, std::size_t* count) override {
    return Judge(gnutls_record_send(session_, from.data(), from.size()), count);
  }

  void EndSending() override {
    gnutls_bye(session_, GNUTLS_SHUT_WR);
    shutdown(socket_.get(), SHUT_WR);
  }

 private:
  Travel ShakeHands() {
    if (!usable_) return Travel::kEnded;
    while (!shaken_) {
      const int result = gnutls_handshake(session_);
      shaken_ = result == GNUTLS_E_SUCCESS;
      if (shaken_ || gnutls_error_is_fatal(result) == 0) {
        if (IsWait(result)) return Wait();
        continue;  // A warning.
      }
      gnutls_alert_send_appropriate(session_, result);
      Report(result);
      return Travel::kEnded;
    }
    return Travel::kSome;
  }

  void Report(int error) const try {
    on_failure_(std::string("TLS handshake: ") + gnutls_strerror(error));
  } catch (const std::exception&) {
    // No memory to say so.
  }

  Travel Judge(ssize_t result, std::size_t* count) const {
    if (result < 0) return IsWait(result) ? Wait() : Travel::kEnded;
    *count = static_cast<std::size_t>(result);
    return Travel::kSome;
  }

  static bool IsWait(ssize_t result) {
    return result == GNUTLS_E_AGAIN || result == GNUTLS_E_INTERRUPTED;
  }

  Travel Wait() const {
    return gnutls_record_get_direction(session_) == 0 ? Travel::kWaitsToReceive
                                                      : Travel::kWaitsToSend;
  }

  const std::shared_ptr<const Tls> tls_;
  const FileDescriptor socket_;
  const OnFailure on_failure_;
  gnutls_session_t session_ = nullptr;
  bool usable_ = false;
  bool shaken_ = false;
};

}  // namespace

std::unique_ptr<Transport> TlsTransport(
    std::shared_ptr<const Tls> tls, FileDescriptor socket,
    std::function<void(const std::string& line)> on_failure) {
  return std::make_unique<TlsSession>(std::move(tls), std::move(socket),
                                      std::move(on_failure));
}

}  // namespace jemalloc_exporter
