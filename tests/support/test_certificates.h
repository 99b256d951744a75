#ifndef JEMALLOC_EXPORTER_TESTS_SUPPORT_TEST_CERTIFICATES_H_
#define JEMALLOC_EXPORTER_TESTS_SUPPORT_TEST_CERTIFICATES_H_

#include <openssl/x509.h>

#include <memory>
#include <string>

namespace jemalloc_exporter {

struct CertificateOptions {
  std::string name = "localhost";
  std::string usage = "serverAuth";  ///< extendedKeyUsage; empty: none.
  std::string sans = "DNS:localhost";
  bool rsa = false;           ///< RSA of 2,048 bits in place of P-256.
  bool is_authority = false;  ///< May sign others.
  int begin = -3600;          ///< Validity, in seconds from now.
  int end = 3600;
};

/// A private key and its certificate, made in memory.
class TestCertificate {
 public:
  /// Signed by `issuer`; by its own key if that is null.
  explicit TestCertificate(const CertificateOptions& options = {},
                           const TestCertificate* issuer = nullptr);

  /// PEM.
  std::string cert() const;
  std::string key() const;

 private:
  std::shared_ptr<EVP_PKEY> key_;
  std::shared_ptr<X509> certificate_;
};

}  // namespace jemalloc_exporter

#endif  // JEMALLOC_EXPORTER_TESTS_SUPPORT_TEST_CERTIFICATES_H_
