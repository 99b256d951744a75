// The verification of client certificates by a TlsServerContext.

#include <gtest/gtest.h>
#include <openssl/pem.h>

#include <string>
#include <utility>
#include <vector>

#include "exporter/http_config/tls_context.h"
#include "tests/support/test_certificates.h"
#include "tests/support/tls_handshake.h"

namespace jemalloc_exporter {
namespace {

using ClientCertificateTest = TlsHandshakeTest;

ConfigureClient ClientCertificate(const TestCertificate& certificate) {
  return [&certificate](SSL_CTX* client) {
    const std::string cert = certificate.cert();
    const std::string key = certificate.key();
    BIO* bio = BIO_new_mem_buf(cert.data(), static_cast<int>(cert.size()));
    X509* const x509 = PEM_read_bio_X509(bio, nullptr, nullptr, nullptr);
    BIO_free(bio);
    SSL_CTX_use_certificate(client, x509);
    X509_free(x509);
    bio = BIO_new_mem_buf(key.data(), static_cast<int>(key.size()));
    EVP_PKEY* const pkey =
        PEM_read_bio_PrivateKey(bio, nullptr, nullptr, nullptr);
    BIO_free(bio);
    SSL_CTX_use_PrivateKey(client, pkey);
    EVP_PKEY_free(pkey);
  };
}

TEST_F(ClientCertificateTest, RejectsClientAuthoritiesThatAreNoCertificates) {
  TlsConfig config = Config();
  config.client_auth = ClientAuth::kRequireAndVerify;
  config.client_ca = "x";
  EXPECT_EQ(ErrorOf(config), "client_ca: no certificate in PEM format");
}

// Per client_auth_type: a certificate of the authority, one of another
// authority, one for servers, none.
TEST_F(ClientCertificateTest, VerifiesClientCertificatesByType) {
  const CertificateOptions for_clients = {.usage = "clientAuth"};
  const TestCertificate known(for_clients, authority_);
  const TestCertificate unknown(for_clients);
  const std::pair<ClientAuth, std::vector<bool>> expectations[] = {
      {ClientAuth::kNone, {true, true, true, true}},
      {ClientAuth::kRequest, {true, true, true, true}},
      {ClientAuth::kRequireAny, {true, true, true, false}},
      {ClientAuth::kVerifyIfGiven, {true, false, false, true}},
      {ClientAuth::kRequireAndVerify, {true, false, false, false}}};
  for (const auto& [type, expected] : expectations) {
    TlsConfig config = Config();
    config.client_auth = type;
    if (type != ClientAuth::kNone) config.client_ca = authority_->cert();
    const TlsServerContext context(config);
    for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
      const auto succeeds = [&](const ConfigureClient& configure) {
        return Connect(context,
                       [&](SSL_CTX* client) {
                         SSL_CTX_set_max_proto_version(client, version);
                         configure(client);
                       })
            .succeeded();
      };
      EXPECT_EQ((std::vector<bool>{succeeds(ClientCertificate(known)),
                                   succeeds(ClientCertificate(unknown)),
                                   succeeds(ClientCertificate(*server_)),
                                   succeeds([](SSL_CTX*) {})}),
                expected)
          << static_cast<int>(type);
    }
  }
}

TEST_F(ClientCertificateTest, RejectsExpiredClientCertificates) {
  TlsConfig config = Config();
  config.client_auth = ClientAuth::kRequireAndVerify;
  config.client_ca = authority_->cert();
  const TestCertificate expired({.usage = "clientAuth", .end = -10},
                                authority_);
  EXPECT_EQ(Connect(TlsServerContext(config), ClientCertificate(expired)).error,
            "certificate verify failed");
}

TEST_F(ClientCertificateTest, TrustsAnIntermediateClientAuthority) {
  const TestCertificate intermediate(
      {.name = "intermediate", .usage = "", .sans = "", .is_authority = true},
      authority_);
  const TestCertificate client({.usage = "clientAuth"}, &intermediate);
  TlsConfig config = Config();
  config.client_auth = ClientAuth::kRequireAndVerify;
  config.client_ca = intermediate.cert();
  EXPECT_TRUE(
      Connect(TlsServerContext(config), ClientCertificate(client)).succeeded());
}

TEST_F(ClientCertificateTest, RequiresAnAllowedSan) {
  const TestCertificate client(
      {.usage = "clientAuth",
       .sans =
           "DNS:prometheus,IP:10.0.0.1,IP:::1,email:a@b.c,URI:spiffe://x/y"},
      authority_);
  const TestCertificate nameless({.usage = "clientAuth", .sans = ""},
                                 authority_);
  const auto error_of = [](const TestCertificate& certificate,
                           const std::string& san) {
    TlsConfig config = Config();
    config.client_auth = ClientAuth::kRequireAndVerify;
    config.client_ca = authority_->cert();
    config.client_allowed_sans = {"other", san};
    return Connect(TlsServerContext(config), ClientCertificate(certificate))
        .error;
  };
  for (const std::string san :
       {"prometheus", "10.0.0.1", "::1", "a@b.c", "spiffe://x/y"}) {
    EXPECT_EQ(error_of(client, san), "") << san;
  }
  for (const std::string san : {"prom", "x.prometheus", "10.0.0.2", ""}) {
    EXPECT_EQ(error_of(client, san), "certificate verify failed") << san;
  }
  EXPECT_EQ(error_of(nameless, "localhost"), "certificate verify failed");
}

TEST_F(ClientCertificateTest, SendsTheNamesOfClientAuthorities) {
  TlsConfig config = Config();
  config.client_auth = ClientAuth::kRequireAndVerify;
  config.client_ca =
      authority_->cert() + TestCertificate({.name = "two"}).cert();
  const Handshake handshake =
      Connect(TlsServerContext(config), MaxVersion(TLS1_2_VERSION));
  const STACK_OF(X509_NAME)* const names =
      SSL_get0_peer_CA_list(handshake.client.get());
  EXPECT_EQ(sk_X509_NAME_num(names), 2);
}

}  // namespace
}  // namespace jemalloc_exporter
