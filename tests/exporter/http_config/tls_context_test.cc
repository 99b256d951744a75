#include "exporter/http_config/tls_context.h"

#include <gtest/gtest.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>

#include <functional>
#include <stdexcept>
#include <string>
#include <vector>

#include "tests/support/test_certificates.h"
#include "tests/support/tls_handshake.h"

namespace jemalloc_exporter {
namespace {

class TlsContextTest : public TlsHandshakeTest {
 protected:
  static TlsConfig WithSuites(std::vector<std::string> suites) {
    TlsConfig config = Config();
    config.cipher_suites = std::move(suites);
    return config;
  }
};

ConfigureClient Tls12Suite(const std::string& suite) {
  return [suite](SSL_CTX* client) {
    SSL_CTX_set_max_proto_version(client, TLS1_2_VERSION);
    SSL_CTX_set_cipher_list(client, suite.c_str());
  };
}

ConfigureClient Tls13Suite(const std::string& suite) {
  return [suite](SSL_CTX* client) {
    SSL_CTX_set_min_proto_version(client, TLS1_3_VERSION);
    SSL_CTX_set_ciphersuites(client, suite.c_str());
  };
}

ConfigureClient Groups(const std::string& groups) {
  return [groups](SSL_CTX* client) {
    SSL_CTX_set1_groups_list(client, groups.c_str());
  };
}

TEST_F(TlsContextTest, NegotiatesTls12And13ByDefault) {
  const TlsServerContext context(Config());
  EXPECT_STREQ(SSL_get_version(Connect(context).server.get()), "TLSv1.3");
  EXPECT_TRUE(Connect(context, MaxVersion(TLS1_2_VERSION)).succeeded());
  EXPECT_FALSE(Connect(context, MaxVersion(TLS1_1_VERSION)).succeeded());
}

TEST_F(TlsContextTest, NegotiatesOldVersionsOnRequestOnly) {
  TlsConfig config = Config();
  config.min_version = 0;
  config.max_version = 1;
  const TlsServerContext context(config);
  EXPECT_TRUE(Connect(context, MaxVersion(TLS1_VERSION)).succeeded());
  EXPECT_TRUE(Connect(context, MaxVersion(TLS1_1_VERSION)).succeeded());
  EXPECT_FALSE(Connect(context, Groups("X25519")).succeeded());
}

TEST_F(TlsContextTest, LimitsSuitesToTheListed) {
  const TlsServerContext context(WithSuites(
      {"TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384"}));
  EXPECT_TRUE(Connect(context, Tls12Suite("ECDHE-ECDSA-AES128-GCM-SHA256"))
                  .succeeded());
  EXPECT_EQ(Connect(context, Tls12Suite("ECDHE-ECDSA-AES256-GCM-SHA384")).error,
            "no shared cipher");
  EXPECT_TRUE(
      Connect(context, Tls13Suite("TLS_AES_256_GCM_SHA384")).succeeded());
  EXPECT_EQ(Connect(context, Tls13Suite("TLS_AES_128_GCM_SHA256")).error,
            "no shared cipher");
}

TEST_F(TlsContextTest, SuitesOfTls12LeaveTls13Unchanged) {
  const TlsServerContext context(
      WithSuites({"TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256"}));
  EXPECT_TRUE(
      Connect(context, Tls13Suite("TLS_AES_128_GCM_SHA256")).succeeded());
}

TEST_F(TlsContextTest, SuitesOfTls13AloneExcludeTls12) {
  TlsConfig config = WithSuites({"TLS_AES_128_GCM_SHA256"});
  EXPECT_FALSE(Connect(TlsServerContext(config), MaxVersion(TLS1_2_VERSION))
                   .succeeded());
  config.max_version = 2;
  EXPECT_EQ(ErrorOf(config), "cipher_suites: TLS 1.2 has no suite left");
}

// Go's tls.CipherSuites(): the names that the exporter toolkit accepts.
TEST_F(TlsContextTest, AcceptsEverySuiteOfTheExporterToolkit) {
  std::vector<std::string> suites = {"TLS_AES_128_GCM_SHA256",
                                     "TLS_AES_256_GCM_SHA384",
                                     "TLS_CHACHA20_POLY1305_SHA256"};
  for (const std::string key : {"RSA", "ECDSA"}) {
    for (const std::string cipher :
         {"AES_128_CBC_SHA", "AES_256_CBC_SHA", "AES_128_GCM_SHA256",
          "AES_256_GCM_SHA384", "CHACHA20_POLY1305_SHA256"}) {
      suites.push_back("TLS_ECDHE_" + key + "_WITH_" + cipher);
    }
  }
  EXPECT_EQ(ErrorOf(WithSuites(suites)), "none");
}

TEST_F(TlsContextTest, RejectsUnknownAndUnprotectedSuites) {
  for (const std::string suite :
       {"TLS_RSA_WITH_ROT13", "TLS_RSA_WITH_NULL_SHA256",
        "TLS_ECDH_anon_WITH_AES_128_CBC_SHA", "TLS_PSK_WITH_AES_128_CBC_SHA",
        "TLS_RSA_WITH_RC4_128_SHA", "TLS_FALLBACK_SCSV", "ALL", "HIGH",
        "TLS_AES_128_GCM_SHA256:ALL", ""}) {
    for (const int min_version : {0, 2}) {
      TlsConfig config = WithSuites({suite});
      config.min_version = min_version;
      EXPECT_EQ(ErrorOf(config), "cipher_suites: unknown value: " + suite);
    }
  }
}

TEST_F(TlsContextTest, LimitsCurvesToTheListed) {
  TlsConfig config = Config();
  config.curve_preferences = {"CurveP384", "CurveP521"};
  const TlsServerContext context(config);
  EXPECT_TRUE(Connect(context, Groups("P-384")).succeeded());
  EXPECT_TRUE(Connect(context, Groups("P-521")).succeeded());
  EXPECT_FALSE(Connect(context, Groups("X25519:P-256")).succeeded());
}

TEST_F(TlsContextTest, RejectsUnknownCurves) {
  TlsConfig config = Config();
  config.curve_preferences = {"X448"};
  EXPECT_EQ(ErrorOf(config), "curve_preferences: unknown value: X448");
}

TEST_F(TlsContextTest, ErrorsAreOneLine) {
  EXPECT_EQ(ErrorOf(WithSuites({"A\nB"})), "cipher_suites: unknown value: A�B");
  TlsConfig config = Config();
  config.curve_preferences = {"A\nB"};
  EXPECT_EQ(ErrorOf(config), "curve_preferences: unknown value: A�B");
}

TEST_F(TlsContextTest, RejectsCertificatesThatCannotBeUsed) {
  const auto error_of = [](const std::string& cert, const std::string& key) {
    TlsConfig config = Config();
    config.cert = cert;
    config.key = key;
    return ErrorOf(config);
  };
  const std::string cert = server_->cert();
  const std::string key = server_->key();
  EXPECT_EQ(error_of(cert, key), "none");
  EXPECT_EQ(error_of("x", key), "cert: no certificate in PEM format");
  EXPECT_EQ(error_of(key, key), "cert: no certificate in PEM format");
  EXPECT_EQ(error_of(cert.substr(0, cert.size() / 2), key),
            "cert: malformed PEM");
  EXPECT_EQ(error_of(cert + cert.substr(0, 100), key), "cert: malformed PEM");
  EXPECT_EQ(error_of(cert, "x"),
            "key: no unencrypted private key in PEM format");
  EXPECT_EQ(error_of(cert, cert),
            "key: no unencrypted private key in PEM format");
  EXPECT_EQ(error_of(cert, authority_->key()), "key: does not belong to cert");
  EXPECT_EQ(error_of(cert, TestCertificate({.rsa = true}).key()),
            "key: does not belong to cert");
}

TEST_F(TlsContextTest, RejectsCertificatesOutsideTheirValidity) {
  const auto error_of = [](int begin, int end) {
    const TestCertificate certificate({.begin = begin, .end = end});
    TlsConfig config = Config();
    config.cert = certificate.cert();
    config.key = certificate.key();
    return ErrorOf(config);
  };
  EXPECT_EQ(error_of(-10, 3600), "none");
  EXPECT_EQ(error_of(-3600, -10), "cert: expired");
  EXPECT_EQ(error_of(3600, 7200), "cert: not valid yet");
}

TEST_F(TlsContextTest, RejectsEncryptedKeysWithoutReadingTheTerminal) {
  TlsConfig config = Config();
  const std::string key = server_->key();
  BIO* const in = BIO_new_mem_buf(key.data(), static_cast<int>(key.size()));
  EVP_PKEY* const pkey = PEM_read_bio_PrivateKey(in, nullptr, nullptr, nullptr);
  BIO* const out = BIO_new(BIO_s_mem());
  std::string password = "secret";
  PEM_write_bio_PKCS8PrivateKey(out, pkey, EVP_aes_128_cbc(), password.data(),
                                static_cast<int>(password.size()), nullptr,
                                nullptr);
  char* data = nullptr;
  const auto size = BIO_get_mem_data(out, &data);
  config.key.assign(data, static_cast<std::size_t>(size));
  EVP_PKEY_free(pkey);
  BIO_free(in);
  BIO_free(out);
  EXPECT_EQ(ErrorOf(config), "key: no unencrypted private key in PEM format");
}

TEST_F(TlsContextTest, IssuesNoTicketsAndResumesNoSession) {
  const TlsServerContext context(Config());
  for (const int version : {TLS1_2_VERSION, TLS1_3_VERSION}) {
    const Handshake first = Connect(context, MaxVersion(version));
    ASSERT_TRUE(first.succeeded());
    char byte = 0;
    SSL_write(first.server.get(), "x", 1);
    SSL_read(first.client.get(), &byte, 1);
    const SSL_SESSION* const session = SSL_get_session(first.client.get());
    EXPECT_EQ(SSL_SESSION_has_ticket(session), 0);
    unsigned id_size = 0;
    SSL_SESSION_get_id(session, &id_size);
    EXPECT_EQ(SSL_SESSION_is_resumable(session) == 1 && id_size > 0, false);
  }
}

TEST_F(TlsContextTest, RefusesRenegotiation) {
  const TlsServerContext context(Config());
  const Handshake handshake = Connect(context, MaxVersion(TLS1_2_VERSION));
  ASSERT_TRUE(handshake.succeeded());
  SSL_renegotiate(handshake.client.get());
  SSL_do_handshake(handshake.client.get());
  char byte = 0;
  SSL_read(handshake.server.get(), &byte, 1);
  SSL_do_handshake(handshake.client.get());
  EXPECT_STREQ(ERR_reason_error_string(ERR_peek_last_error()),
               "no renegotiation");
  ERR_clear_error();
}

TEST_F(TlsContextTest, SelectsHttp11ByAlpn) {
  const TlsServerContext context(Config());
  const auto offer = [](const std::string& protocols) {
    return [protocols](SSL_CTX* client) {
      SSL_CTX_set_alpn_protos(
          client, reinterpret_cast<const unsigned char*>(protocols.data()),
          static_cast<unsigned>(protocols.size()));
    };
  };
  const Handshake both = Connect(context, offer("\x02h2\x08http/1.1"));
  const unsigned char* selected = nullptr;
  unsigned size = 0;
  SSL_get0_alpn_selected(both.client.get(), &selected, &size);
  EXPECT_EQ(std::string(reinterpret_cast<const char*>(selected), size),
            "http/1.1");
  EXPECT_FALSE(Connect(context, offer("\x02h2")).succeeded());
}

}  // namespace
}  // namespace jemalloc_exporter
