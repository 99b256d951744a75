#include "exporter/http_config/tls_context.h"

#include <openssl/err.h>
#include <openssl/pem.h>

#include <algorithm>
#include <map>
#include <new>
#include <set>
#include <stdexcept>
#include <string_view>

#include "exporter/text/sanitize_label.h"

namespace jemalloc_exporter {
namespace {

using BioPtr = std::unique_ptr<BIO, OpensslFree<BIO_free>>;
using CertificatePtr = std::unique_ptr<X509, OpensslFree<X509_free>>;
using KeyPtr = std::unique_ptr<EVP_PKEY, OpensslFree<EVP_PKEY_free>>;

[[noreturn]] void Fail(const std::string& key, const std::string& reason) {
  throw std::runtime_error(key + ": " + reason);
}

// Fails with the reason of OpenSSL's last error, unless `success`.
void Require(bool success, const std::string& key) {
  if (success) return;
  const char* const reason = ERR_reason_error_string(ERR_peek_last_error());
  Fail(key, reason == nullptr ? "OpenSSL error" : reason);
}

BioPtr Reader(std::string_view pem) {
  BioPtr bio(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  if (!bio) throw std::bad_alloc();
  return bio;
}

// Without this OpenSSL reads the password of an encrypted key from the
// terminal.
int NoPassword(char*, int, int, void*) { return -1; }

std::vector<CertificatePtr> ReadCertificates(std::string_view pem,
                                             const std::string& key) {
  const BioPtr bio = Reader(pem);
  std::vector<CertificatePtr> certificates;
  ERR_clear_error();
  while (X509* const certificate =
             PEM_read_bio_X509(bio.get(), nullptr, &NoPassword, nullptr)) {
    certificates.emplace_back(certificate);
  }
  if (ERR_GET_REASON(ERR_peek_last_error()) != PEM_R_NO_START_LINE)
    Fail(key, "malformed PEM");
  if (certificates.empty()) Fail(key, "no certificate in PEM format");
  return certificates;
}

KeyPtr ReadKey(std::string_view pem) {
  const BioPtr bio = Reader(pem);
  KeyPtr key(PEM_read_bio_PrivateKey(bio.get(), nullptr, &NoPassword, nullptr));
  if (!key) Fail("key", "no unencrypted private key in PEM format");
  return key;
}

void RequireValidNow(const X509* certificate) {
  if (X509_cmp_current_time(X509_get0_notBefore(certificate)) >= 0)
    Fail("cert", "not valid yet");
  if (X509_cmp_current_time(X509_get0_notAfter(certificate)) <= 0)
    Fail("cert", "expired");
}

void UseCertificate(SSL_CTX* context, const TlsConfig& config) {
  auto chain = ReadCertificates(config.cert, "cert");
  const KeyPtr key = ReadKey(config.key);
  X509* const leaf = chain.front().get();
  RequireValidNow(leaf);
  if (X509_check_private_key(leaf, key.get()) != 1)
    Fail("key", "does not belong to cert");
  Require(SSL_CTX_use_certificate(context, leaf) == 1, "cert");
  Require(SSL_CTX_use_PrivateKey(context, key.get()) == 1, "key");
  for (auto it = chain.begin() + 1; it != chain.end(); ++it) {
    Require(SSL_CTX_add1_chain_cert(context, it->get()) == 1, "cert");
  }
}

void UseClientCa(SSL_CTX* context, const TlsConfig& config) {
  if (config.client_ca.empty()) {
    if (!VerifiesCertificate(config.client_auth)) return;
    Require(SSL_CTX_set_default_verify_paths(context) == 1,
            "certificate authorities of the system");
    return;
  }
  X509_STORE* const store = SSL_CTX_get_cert_store(context);
  // As in Go, an intermediate authority can be trusted without its root.
  X509_STORE_set_flags(store, X509_V_FLAG_PARTIAL_CHAIN);
  for (const auto& ca : ReadCertificates(config.client_ca, "client_ca")) {
    Require(X509_STORE_add_cert(store, ca.get()) == 1, "client_ca");
    // Its name is part of the CertificateRequest.
    Require(SSL_CTX_add_client_CA(context, ca.get()) == 1, "client_ca");
  }
}

void UseVersions(SSL_CTX* context, const TlsConfig& config) {
  // OpenSSL 3 signs handshakes of TLS 1.0 and 1.1 at this level only.
  if (config.min_version < 2) SSL_CTX_set_security_level(context, 0);
  Require(SSL_CTX_set_min_proto_version(
              context, TLS1_VERSION + config.min_version) == 1 &&
              SSL_CTX_set_max_proto_version(
                  context, TLS1_VERSION + config.max_version) == 1,
          "min_version and max_version");
}

[[noreturn]] void FailForValue(const std::string& key,
                               const std::string& value) {
  constexpr std::size_t kMaxCharacters = 100;
  Fail(key, "unknown value: " + SanitizeLabel(value, kMaxCharacters));
}

void Append(std::string& list, const std::string& name) {
  list += (list.empty() ? "" : ":") + name;
}

void UseSuites(SSL_CTX* context, const TlsConfig& config) {
  // TLS 1.3 has a list of its own.
  static const std::set<std::string> kTls13Suites = {
      "TLS_AES_128_GCM_SHA256", "TLS_AES_256_GCM_SHA384",
      "TLS_CHACHA20_POLY1305_SHA256", "TLS_AES_128_CCM_SHA256",
      "TLS_AES_128_CCM_8_SHA256"};
  // Suites that do not encrypt, or not authenticate by certificate.
  const std::string excluded = ":!eNULL:!aNULL:!PSK:!SRP:!LOW:!MEDIUM";
  std::string tls12;
  std::string tls13;
  for (const std::string& name : config.cipher_suites) {
    if (kTls13Suites.contains(name)) {
      Append(tls13, name);
      continue;
    }
    const std::string suite = OPENSSL_cipher_name(name.c_str());
    if (SSL_CTX_set_cipher_list(context, (suite + excluded).c_str()) != 1)
      FailForValue("cipher_suites", name);
    if (suite.starts_with("DHE-")) SSL_CTX_set_dh_auto(context, 1);
    Append(tls12, suite);
  }
  if (!tls13.empty()) {
    Require(SSL_CTX_set_ciphersuites(context, tls13.c_str()) == 1,
            "cipher_suites");
    // Earlier versions have no suite left.
    if (tls12.empty() && config.max_version < 3)
      Fail("cipher_suites", "TLS 1.2 has no suite left");
    if (tls12.empty()) SSL_CTX_set_min_proto_version(context, TLS1_3_VERSION);
  }
  if (!tls12.empty()) {
    Require(SSL_CTX_set_cipher_list(context, tls12.c_str()) == 1,
            "cipher_suites");
  }
}

void UseCurves(SSL_CTX* context, const TlsConfig& config) {
  static const std::map<std::string, std::string> kGroups = {
      {"CurveP256", "P-256"},
      {"CurveP384", "P-384"},
      {"CurveP521", "P-521"},
      {"X25519", "X25519"}};
  std::string list;
  for (const std::string& name : config.curve_preferences) {
    const auto group = kGroups.find(name);
    if (group == kGroups.end()) FailForValue("curve_preferences", name);
    Append(list, group->second);
  }
  Require(list.empty() || SSL_CTX_set1_groups_list(context, list.c_str()) == 1,
          "curve_preferences");
}

// A client that offers other protocols only, such as h2, gets the alert
// no_application_protocol (RFC 7301, 3.2).
int SelectHttp11(SSL*, const unsigned char** selected,
                 unsigned char* selected_size, const unsigned char* offered,
                 unsigned offered_size, void*) {
  static constexpr unsigned char kHttp11[] = "\x08http/1.1";
  unsigned char* match = nullptr;
  if (SSL_select_next_proto(&match, selected_size, kHttp11, sizeof(kHttp11) - 1,
                            offered, offered_size) != OPENSSL_NPN_NEGOTIATED) {
    return SSL_TLSEXT_ERR_ALERT_FATAL;
  }
  *selected = match;
  return SSL_TLSEXT_ERR_OK;
}

}  // namespace

TlsServerContext::TlsServerContext(const TlsConfig& config)
    : client_auth_(config.client_auth),
      allowed_sans_(config.client_allowed_sans),
      context_(SSL_CTX_new(TLS_server_method())) {
  Require(context_ != nullptr, "OpenSSL");
  SSL_CTX* const context = context_.get();
  SSL_CTX_set_options(context, SSL_OP_NO_TICKET | SSL_OP_NO_COMPRESSION);
  if (config.prefer_server_cipher_suites)
    SSL_CTX_set_options(context, SSL_OP_CIPHER_SERVER_PREFERENCE);
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
  SSL_CTX_set_num_tickets(context, 0);
  // An idle connection holds no buffers: about 15 instead of 24 KB. A retried
  // write may come from a moved string.
  SSL_CTX_set_mode(context, SSL_MODE_RELEASE_BUFFERS |
                                SSL_MODE_ENABLE_PARTIAL_WRITE |
                                SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  SSL_CTX_set_alpn_select_cb(context, &SelectHttp11, nullptr);
  UseVersions(context, config);
  UseSuites(context, config);
  UseCurves(context, config);
  UseCertificate(context, config);
  UseClientCa(context, config);
  if (client_auth_ != ClientAuth::kNone) {
    SSL_CTX_set_verify(context,
                       RequiresCertificate(client_auth_)
                           ? SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT
                           : SSL_VERIFY_PEER,
                       nullptr);
  }
  SSL_CTX_set_cert_verify_callback(context, &VerifyClient, this);
}

SslPtr TlsServerContext::NewSession() const {
  SslPtr session(SSL_new(context_.get()));
  if (!session) throw std::bad_alloc();
  SSL_set_accept_state(session.get());
  return session;
}

}  // namespace jemalloc_exporter
