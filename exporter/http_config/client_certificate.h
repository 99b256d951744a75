#ifndef JEMALLOC_EXPORTER_EXPORTER_HTTP_CONFIG_CLIENT_CERTIFICATE_H_
#define JEMALLOC_EXPORTER_EXPORTER_HTTP_CONFIG_CLIENT_CERTIFICATE_H_

#include <openssl/ssl.h>

#include <string>
#include <vector>

#include "exporter/http_config/web_config.h"

namespace jemalloc_exporter {

/// `client_auth_type` and `client_allowed_sans`.
class ClientCertificatePolicy {
 public:
  explicit ClientCertificatePolicy(const TlsConfig& config)
      : client_auth_(config.client_auth),
        allowed_sans_(config.client_allowed_sans) {}

  /// Makes the sessions of `context` request and verify client certificates.
  /// This must outlive the context and its sessions.
  void Install(SSL_CTX* context) const;

 private:
  static int Verify(X509_STORE_CTX* store, void* policy);
  bool HasAllowedSan(X509* certificate) const;

  const ClientAuth client_auth_;
  const std::vector<std::string> allowed_sans_;
};

}  // namespace jemalloc_exporter

#endif  // JEMALLOC_EXPORTER_EXPORTER_HTTP_CONFIG_CLIENT_CERTIFICATE_H_
