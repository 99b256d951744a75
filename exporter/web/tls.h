#ifndef JEMALLOC_EXPORTER_EXPORTER_WEB_TLS_H_
#define JEMALLOC_EXPORTER_EXPORTER_WEB_TLS_H_

#include <gnutls/gnutls.h>

#include <memory>
#include <type_traits>
#include <vector>

#include "web/web_config.h"

namespace jemalloc_exporter {

/// What a TLS server needs to begin its sessions. Thread-safe.
class Tls {
 public:
  /// Throws std::runtime_error, with one line that names the key, for what
  /// cannot be honoured: a certificate that is no PEM, a key of another one.
  explicit Tls(const TlsConfig& config);
  Tls(const Tls&) = delete;
  Tls& operator=(const Tls&) = delete;

  /// Prepares a server's session before its handshake: the keys, what is asked
  /// of the client, and the pointer of the session. Returns an error of GnuTLS,
  /// 0 if there was none. This must live as long as the session.
  int Secure(gnutls_session_t session) const;

 private:
  template <typename Handle, void (*Free)(Handle)>
  struct Freer {
    void operator()(Handle handle) const { Free(handle); }
  };
  template <typename Handle, void (*Free)(Handle)>
  using Owned =
      std::unique_ptr<std::remove_pointer_t<Handle>, Freer<Handle, Free>>;

  static int OnClientCertificate(gnutls_session_t session);
  bool IsSignedByAuthority(gnutls_session_t session) const;
  bool IsNamedAsAllowed(gnutls_session_t session) const;

  Owned<gnutls_certificate_credentials_t, &gnutls_certificate_free_credentials>
      credentials_;
  Owned<gnutls_priority_t, &gnutls_priority_deinit> priorities_;
  ClientAuth client_auth_;
  std::vector<std::string> allowed_sans_;
};

}  // namespace jemalloc_exporter

#endif  // JEMALLOC_EXPORTER_EXPORTER_WEB_TLS_H_
