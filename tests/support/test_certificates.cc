#include "tests/support/test_certificates.h"

#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include <cstdlib>

namespace jemalloc_exporter {
namespace {

void Require(bool success) {
  if (!success) std::abort();
}

void AddExtension(X509* certificate, X509* issuer, int nid,
                  const std::string& value) {
  X509V3_CTX context;
  X509V3_set_ctx(&context, issuer, certificate, nullptr, nullptr, 0);
  X509_EXTENSION* const extension =
      X509V3_EXT_conf_nid(nullptr, &context, nid, value.c_str());
  Require(extension != nullptr);
  Require(X509_add_ext(certificate, extension, -1) == 1);
  X509_EXTENSION_free(extension);
}

std::string Text(BIO* bio) {
  char* data = nullptr;
  const auto size = BIO_get_mem_data(bio, &data);
  std::string text(data, static_cast<std::size_t>(size));
  BIO_free(bio);
  return text;
}

}  // namespace

TestCertificate::TestCertificate(const CertificateOptions& options,
                                 const TestCertificate* issuer)
    : key_(options.rsa ? EVP_RSA_gen(2048) : EVP_EC_gen("P-256"),
           &EVP_PKEY_free),
      certificate_(X509_new(), &X509_free) {
  static int serial = 0;
  X509* const certificate = certificate_.get();
  Require(key_ && certificate != nullptr);
  X509_set_version(certificate, X509_VERSION_3);
  ASN1_INTEGER_set(X509_get_serialNumber(certificate), ++serial);
  X509_gmtime_adj(X509_getm_notBefore(certificate), options.begin);
  X509_gmtime_adj(X509_getm_notAfter(certificate), options.end);
  X509_NAME_add_entry_by_txt(
      X509_get_subject_name(certificate), "CN", MBSTRING_UTF8,
      reinterpret_cast<const unsigned char*>(options.name.c_str()), -1, -1, 0);
  X509* const signer =
      issuer == nullptr ? certificate : issuer->certificate_.get();
  X509_set_issuer_name(certificate, X509_get_subject_name(signer));
  X509_set_pubkey(certificate, key_.get());
  if (options.is_authority) {
    AddExtension(certificate, signer, NID_basic_constraints,
                 "critical,CA:TRUE");
  }
  if (!options.usage.empty())
    AddExtension(certificate, signer, NID_ext_key_usage, options.usage);
  if (!options.sans.empty())
    AddExtension(certificate, signer, NID_subject_alt_name, options.sans);
  EVP_PKEY* const signing_key =
      issuer == nullptr ? key_.get() : issuer->key_.get();
  Require(X509_sign(certificate, signing_key, EVP_sha256()) > 0);
}

std::string TestCertificate::cert() const {
  BIO* const bio = BIO_new(BIO_s_mem());
  Require(PEM_write_bio_X509(bio, certificate_.get()) == 1);
  return Text(bio);
}

std::string TestCertificate::key() const {
  BIO* const bio = BIO_new(BIO_s_mem());
  Require(PEM_write_bio_PrivateKey(bio, key_.get(), nullptr, nullptr, 0,
                                   nullptr, nullptr) == 1);
  return Text(bio);
}

}  // namespace jemalloc_exporter
