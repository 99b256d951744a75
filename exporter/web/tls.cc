#include "web/tls.h"

#include <arpa/inet.h>
#include <gnutls/x509.h>

#include <algorithm>
#include <array>
#include <stdexcept>
#include <string>
#include <string_view>

#include "web/tls_priorities.h"

namespace jemalloc_exporter {
namespace {

void Require(int result, const std::string& what) {
  if (result < 0)
    throw std::runtime_error(what + ": " + gnutls_strerror(result));
}

// GnuTLS does not write to it.
gnutls_datum_t Datum(std::string_view text) {
  return {reinterpret_cast<unsigned char*>(const_cast<char*>(text.data())),
          static_cast<unsigned>(text.size())};
}

using Certificate = std::unique_ptr<std::remove_pointer_t<gnutls_x509_crt_t>,
                                    decltype(&gnutls_x509_crt_deinit)>;

// The certificate of the client; null if it has none, or a bad one.
Certificate ClientCertificate(gnutls_session_t session) {
  unsigned count = 0;
  const gnutls_datum_t* const peers =
      gnutls_certificate_get_peers(session, &count);
  gnutls_x509_crt_t certificate = nullptr;
  if (peers == nullptr || count == 0 ||
      gnutls_x509_crt_init(&certificate) != GNUTLS_E_SUCCESS) {
    return {nullptr, &gnutls_x509_crt_deinit};
  }
  Certificate owner(certificate, &gnutls_x509_crt_deinit);
  if (gnutls_x509_crt_import(certificate, peers, GNUTLS_X509_FMT_DER) !=
      GNUTLS_E_SUCCESS) {
    owner.reset();
  }
  return owner;
}

// As in a configuration file; empty for a kind that cannot stand there.
std::string SanText(int type, std::string_view bytes) {
  std::array<char, INET6_ADDRSTRLEN> address{};
  switch (type) {
    case GNUTLS_SAN_DNSNAME:
    case GNUTLS_SAN_RFC822NAME:
    case GNUTLS_SAN_URI:
      return std::string(bytes);
    case GNUTLS_SAN_IPADDRESS:
      if (bytes.size() == sizeof(in_addr)) {
        inet_ntop(AF_INET, bytes.data(), address.data(), address.size());
      } else if (bytes.size() == sizeof(in6_addr)) {
        inet_ntop(AF_INET6, bytes.data(), address.data(), address.size());
      }
      return address.data();
    default:
      return {};
  }
}

std::vector<std::string> SansOf(gnutls_x509_crt_t certificate) {
  std::vector<std::string> sans;
  for (unsigned i = 0;; ++i) {
    std::array<char, 1024> name{};
    std::size_t size = name.size();
    const int type = gnutls_x509_crt_get_subject_alt_name(
        certificate, i, name.data(), &size, nullptr);
    if (type == GNUTLS_E_REQUESTED_DATA_NOT_AVAILABLE) return sans;
    // One that is longer than this stands in no configuration.
    if (type >= 0) sans.push_back(SanText(type, {name.data(), size}));
    if (type < 0 && type != GNUTLS_E_SHORT_MEMORY_BUFFER) return sans;
  }
}

}  // namespace

Tls::Tls(const TlsConfig& config)
    : client_auth_(config.client_auth),
      allowed_sans_(config.client_allowed_sans) {
  gnutls_certificate_credentials_t credentials = nullptr;
  Require(gnutls_certificate_allocate_credentials(&credentials), "GnuTLS");
  credentials_.reset(credentials);
  const gnutls_datum_t cert = Datum(config.cert);
  const gnutls_datum_t key = Datum(config.key);
  Require(gnutls_certificate_set_x509_key_mem2(credentials, &cert, &key,
                                               GNUTLS_X509_FMT_PEM, nullptr, 0),
          "cert and key");
  if (!config.client_ca.empty()) {
    const gnutls_datum_t client_ca = Datum(config.client_ca);
    const int count = gnutls_certificate_set_x509_trust_mem(
        credentials, &client_ca, GNUTLS_X509_FMT_PEM);
    Require(count == 0 ? GNUTLS_E_NO_CERTIFICATE_FOUND : count, "client_ca");
  } else if (client_auth_ >= ClientAuth::kVerifyIfGiven) {
    Require(gnutls_certificate_set_x509_system_trust(credentials),
            "the system's certificate authorities");
  }
  gnutls_certificate_set_verify_function(credentials, &OnClientCertificate);

  gnutls_priority_t priorities = nullptr;
  Require(
      gnutls_priority_init(&priorities, TlsPriorities(config).c_str(), nullptr),
      "GnuTLS");
  priorities_.reset(priorities);
}

int Tls::Secure(gnutls_session_t session) const {
  gnutls_session_set_ptr(session, const_cast<Tls*>(this));
  switch (client_auth_) {
    case ClientAuth::kNone:
      break;
    case ClientAuth::kRequest:
    case ClientAuth::kVerifyIfGiven:
      gnutls_certificate_server_set_request(session, GNUTLS_CERT_REQUEST);
      break;
    case ClientAuth::kRequireAny:
    case ClientAuth::kRequireAndVerify:
      gnutls_certificate_server_set_request(session, GNUTLS_CERT_REQUIRE);
      break;
  }
  if (const int error = gnutls_priority_set(session, priorities_.get());
      error != GNUTLS_E_SUCCESS) {
    return error;
  }
  return gnutls_credentials_set(session, GNUTLS_CRD_CERTIFICATE,
                                credentials_.get());
}

// GnuTLS asks while the handshake goes on, and ends it unless this is 0.
int Tls::OnClientCertificate(gnutls_session_t session) try {
  const auto& tls = *static_cast<const Tls*>(gnutls_session_get_ptr(session));
  unsigned count = 0;
  if (gnutls_certificate_get_peers(session, &count) == nullptr) {
    return 0;  // Where one is required GnuTLS has seen to it.
  }
  return tls.IsSignedByAuthority(session) && tls.IsNamedAsAllowed(session)
             ? 0
             : GNUTLS_E_CERTIFICATE_ERROR;
} catch (const std::exception&) {
  return GNUTLS_E_MEMORY_ERROR;
}

bool Tls::IsSignedByAuthority(gnutls_session_t session) const {
  if (client_auth_ < ClientAuth::kVerifyIfGiven) return true;
  std::string purpose = GNUTLS_KP_TLS_WWW_CLIENT;
  gnutls_typed_vdata_st for_clients{
      GNUTLS_DT_KEY_PURPOSE_OID,
      reinterpret_cast<unsigned char*>(purpose.data()), 0};
  unsigned status = 0;
  return gnutls_certificate_verify_peers(session, &for_clients, 1, &status) ==
             GNUTLS_E_SUCCESS &&
         status == 0;
}

bool Tls::IsNamedAsAllowed(gnutls_session_t session) const {
  if (allowed_sans_.empty()) return true;
  const Certificate certificate = ClientCertificate(session);
  if (!certificate) return false;
  const std::vector<std::string> sans = SansOf(certificate.get());
  return std::find_first_of(sans.begin(), sans.end(), allowed_sans_.begin(),
                            allowed_sans_.end()) != sans.end();
}

}  // namespace jemalloc_exporter
