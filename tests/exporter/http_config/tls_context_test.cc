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

namespace jemalloc_exporter {
namespace {

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

Handshake Connect(
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

class TlsContextTest : public testing::Test {
 protected:
  static TlsConfig Config() {
    TlsConfig config;
    config.cert = server_->cert();
    config.key = server_->key();
    return config;
  }
  static TlsConfig WithSuites(std::vector<std::string> suites) {
    TlsConfig config = Config();
    config.cipher_suites = std::move(suites);
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

ConfigureClient MaxVersion(int version) {
  return [version](SSL_CTX* client) {
    SSL_CTX_set_security_level(client, 0);
    SSL_CTX_set_min_proto_version(client, TLS1_VERSION);
    SSL_CTX_set_max_proto_version(client, version);
  };
}

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
  const auto error_of = [](long begin, long end) {
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
  const long size = BIO_get_mem_data(out, &data);
  config.key.assign(data, static_cast<std::size_t>(size));
  EVP_PKEY_free(pkey);
  BIO_free(in);
  BIO_free(out);
  EXPECT_EQ(ErrorOf(config), "key: no unencrypted private key in PEM format");
}

TEST_F(TlsContextTest, RejectsClientAuthoritiesThatAreNoCertificates) {
  TlsConfig config = Config();
  config.client_auth = ClientAuth::kRequireAndVerify;
  config.client_ca = "x";
  EXPECT_EQ(ErrorOf(config), "client_ca: no certificate in PEM format");
}

// Per client_auth_type: a certificate of the authority, one of another
// authority, one for servers, none.
TEST_F(TlsContextTest, VerifiesClientCertificatesByType) {
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

TEST_F(TlsContextTest, RejectsExpiredClientCertificates) {
  TlsConfig config = Config();
  config.client_auth = ClientAuth::kRequireAndVerify;
  config.client_ca = authority_->cert();
  const TestCertificate expired({.usage = "clientAuth", .end = -10},
                                authority_);
  EXPECT_EQ(Connect(TlsServerContext(config), ClientCertificate(expired)).error,
            "certificate verify failed");
}

TEST_F(TlsContextTest, TrustsAnIntermediateClientAuthority) {
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

TEST_F(TlsContextTest, RequiresAnAllowedSan) {
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

TEST_F(TlsContextTest, SendsTheNamesOfClientAuthorities) {
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
