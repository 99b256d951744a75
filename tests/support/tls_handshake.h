#ifndef JEMALLOC_EXPORTER_TESTS_SUPPORT_TLS_HANDSHAKE_H_
#define JEMALLOC_EXPORTER_TESTS_SUPPORT_TLS_HANDSHAKE_H_

#include <gtest/gtest.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/ssl.h>

#include <functional>
#include <memory>
#include <stdexcept>
#include <string>

#include "exporter/http_config/tls_context.h"
#include "tests/support/test_certificates.h"

namespace jemalloc_exporter {

// The sockets of a client and a server, in memory.
struct Handshake {
  SslPtr client;
  SslPtr server;
  std::string error;  // The server's; empty: it succeeded.

  bool succeeded() const {
    return error.empty() && SSL_is_init_finished(client.get()) == 1;
  }
};

using ConfigureClient = std::function<void(SSL_CTX*)>;

inline Handshake Connect(
    const TlsServerContext& context,
    const ConfigureClient& configure_client = [](SSL_CTX*) {}) {
  const std::unique_ptr<SSL_CTX, decltype(&SSL_CTX_free)> client_context(
      SSL_CTX_new(TLS_client_method()), &SSL_CTX_free);
  configure_client(client_context.get());
  Handshake handshake{
      SslPtr(SSL_new(client_context.get())), context.NewSession(), {}};
  BIO* client_end = nullptr;
  BIO* server_end = nullptr;
  BIO_new_bio_pair(&client_end, 100'000, &server_end, 100'000);
  SSL_set_bio(handshake.client.get(), client_end, client_end);
  SSL_set_bio(handshake.server.get(), server_end, server_end);
  SSL_set_connect_state(handshake.client.get());
  constexpr int kMaxFlights = 10;
  for (int i = 0; i < kMaxFlights; ++i) {
    ERR_clear_error();
    SSL_do_handshake(handshake.client.get());
    ERR_clear_error();
    const int result = SSL_do_handshake(handshake.server.get());
    if (SSL_get_error(handshake.server.get(), result) == SSL_ERROR_SSL) {
      handshake.error = ERR_reason_error_string(ERR_peek_last_error());
      break;
    }
  }
  ERR_clear_error();
  return handshake;
}

// Contexts of a server whose certificate is the authority's.
class TlsHandshakeTest : public testing::Test {
 protected:
  static TlsConfig Config() {
    TlsConfig config;
    config.cert = server_->cert();
    config.key = server_->key();
    return config;
  }
  static std::string ErrorOf(const TlsConfig& config) {
    try {
      const TlsServerContext context(config);
    } catch (const std::runtime_error& error) {
      return error.what();
    }
    return "none";
  }

  static void SetUpTestSuite() {
    authority_ = new TestCertificate(
        {.name = "authority", .usage = "", .sans = "", .is_authority = true});
    server_ = new TestCertificate({}, authority_);
  }
  static void TearDownTestSuite() {
    delete server_;
    delete authority_;
  }

  static inline const TestCertificate* authority_ = nullptr;
  static inline const TestCertificate* server_ = nullptr;
};

inline ConfigureClient MaxVersion(int version) {
  return [version](SSL_CTX* client) {
    SSL_CTX_set_security_level(client, 0);
    SSL_CTX_set_min_proto_version(client, TLS1_VERSION);
    SSL_CTX_set_max_proto_version(client, version);
  };
}

}  // namespace jemalloc_exporter

#endif  // JEMALLOC_EXPORTER_TESTS_SUPPORT_TLS_HANDSHAKE_H_
