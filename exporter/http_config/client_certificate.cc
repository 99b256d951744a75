// The verification of client certificates by a TlsServerContext.

#include <arpa/inet.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <array>
#include <exception>
#include <memory>
#include <string>
#include <string_view>

#include "exporter/http_config/tls_context.h"

namespace jemalloc_exporter {
namespace {

std::string_view Bytes(const ASN1_STRING* string) {
  return {reinterpret_cast<const char*>(ASN1_STRING_get0_data(string)),
          static_cast<std::size_t>(ASN1_STRING_length(string))};
}

// In the notation of `client_allowed_sans`; empty for other kinds of names.
std::string SanText(const GENERAL_NAME* name) {
  int type = 0;
  const void* const value = GENERAL_NAME_get0_value(name, &type);
  if (type != GEN_DNS && type != GEN_EMAIL && type != GEN_URI &&
      type != GEN_IPADD) {
    return {};
  }
  const std::string_view bytes = Bytes(static_cast<const ASN1_STRING*>(value));
  if (type != GEN_IPADD) return std::string(bytes);
  const bool is_ipv4 = bytes.size() == sizeof(in_addr);
  if (!is_ipv4 && bytes.size() != sizeof(in6_addr)) return {};
  std::array<char, INET6_ADDRSTRLEN> text{};
  inet_ntop(is_ipv4 ? AF_INET : AF_INET6, bytes.data(), text.data(),
            text.size());
  return text.data();
}

}  // namespace

// Called during the handshake if the client has sent a certificate; 0 ends the
// handshake. OpenSSL has set the purpose to TLS client authentication.
int TlsServerContext::VerifyClient(X509_STORE_CTX* store, void* self) try {
  const auto& context = *static_cast<const TlsServerContext*>(self);
  if (VerifiesCertificate(context.client_auth_) &&
      X509_verify_cert(store) != 1) {
    return 0;
  }
  if (context.HasAllowedSan(X509_STORE_CTX_get0_cert(store))) return 1;
  X509_STORE_CTX_set_error(store, X509_V_ERR_APPLICATION_VERIFICATION);
  return 0;
} catch (const std::exception&) {
  X509_STORE_CTX_set_error(store, X509_V_ERR_OUT_OF_MEM);
  return 0;
}

bool TlsServerContext::HasAllowedSan(X509* certificate) const {
  if (allowed_sans_.empty()) return true;
  const std::unique_ptr<GENERAL_NAMES, OpensslFree<GENERAL_NAMES_free>> names(
      static_cast<GENERAL_NAMES*>(X509_get_ext_d2i(
          certificate, NID_subject_alt_name, nullptr, nullptr)));
  for (int i = 0; i < sk_GENERAL_NAME_num(names.get()); ++i) {
    const std::string san = SanText(sk_GENERAL_NAME_value(names.get(), i));
    if (std::find(allowed_sans_.begin(), allowed_sans_.end(), san) !=
        allowed_sans_.end()) {
      return true;
    }
  }
  return false;
}

}  // namespace jemalloc_exporter
