#ifndef JEMALLOC_EXPORTER_EXPORTER_HTTP_CONFIG_TLS_CONTEXT_H_
#define JEMALLOC_EXPORTER_EXPORTER_HTTP_CONFIG_TLS_CONTEXT_H_

#include <openssl/ssl.h>

#include <memory>
#include <string>
#include <vector>

#include "exporter/http/stream.h"
#include "exporter/http_config/web_config.h"

namespace jemalloc_exporter {

/// Frees an object of OpenSSL by a function such as SSL_free.
template <auto Free>
struct OpensslFree {
  template <typename T>
  void operator()(T* object) const {
    Free(object);
  }
};
using SslPtr = std::unique_ptr<SSL, OpensslFree<SSL_free>>;

/// An SSL_CTX for servers, configured by `tls_server_config`. Sessions are
/// neither cached nor resumed, and cannot be renegotiated. Thread-safe.
class TlsServerContext {
 public:
  /// Throws std::runtime_error with one line that names the key of a value that
  /// cannot be used: a certificate that is not PEM, is expired, or does not
  /// belong to the private key, an unknown cipher suite.
  explicit TlsServerContext(const TlsConfig& config);
  TlsServerContext(const TlsServerContext&) = delete;
  TlsServerContext& operator=(const TlsServerContext&) = delete;

  /// Returns a session of a server that has no socket yet: SSL_set_fd and
  /// SSL_accept are next. It must not outlive this. Throws std::bad_alloc.
  SslPtr NewSession() const;

 private:
  static int VerifyClient(X509_STORE_CTX* store, void* self);
  bool HasAllowedSan(X509* certificate) const;

  const ClientAuth client_auth_;
  const std::vector<std::string> allowed_sans_;
  std::unique_ptr<SSL_CTX, OpensslFree<SSL_CTX_free>> context_;
};

/// The server's side of a TLS connection. OpenSSL writes with write(2): the
/// process must ignore SIGPIPE. Throws std::bad_alloc.
std::unique_ptr<Stream> NewTlsStream(
    std::shared_ptr<const TlsServerContext> context, int socket);

}  // namespace jemalloc_exporter

#endif  // JEMALLOC_EXPORTER_EXPORTER_HTTP_CONFIG_TLS_CONTEXT_H_
