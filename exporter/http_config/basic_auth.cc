#include "exporter/http_config/basic_auth.h"

#include <crypt.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>
#include <strings.h>

#include <algorithm>
#include <memory>
#include <new>
#include <stdexcept>
#include <utility>

namespace jemalloc_exporter {
namespace {

// The two digits in "$2y$10$…": the logarithm of the work.
std::string_view Cost(std::string_view hash) { return hash.substr(4, 2); }

// RFC 4648, section 4. EVP_DecodeBlock itself skips white space, and returns
// the padding as zeros.
std::optional<std::string> DecodeBase64(std::string_view encoded) {
  constexpr std::size_t kGroup = 4;
  constexpr std::size_t kMaxPadding = 2;
  constexpr std::string_view kAlphabet =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  if (encoded.size() % kGroup != 0) return std::nullopt;
  const std::size_t end = encoded.find_last_not_of('=') + 1;
  const std::size_t padding = encoded.size() - end;
  if (padding > kMaxPadding || encoded.substr(0, end).find_first_not_of(
                                   kAlphabet) != std::string_view::npos) {
    return std::nullopt;
  }
  std::string text(encoded.size() / kGroup * 3, '\0');
  const int size =
      EVP_DecodeBlock(reinterpret_cast<unsigned char*>(text.data()),
                      reinterpret_cast<const unsigned char*>(encoded.data()),
                      static_cast<int>(encoded.size()));
  if (size < 0) return std::nullopt;
  text.resize(static_cast<std::size_t>(size) - padding);
  return text;
}

}  // namespace

bool BcryptMatches(const std::string& password, const std::string& hash) {
  const auto data = std::make_unique<crypt_data>();
  const char* const computed =
      crypt_r(password.c_str(), hash.c_str(), data.get());
  return computed != nullptr &&
         std::string_view(computed).size() == hash.size() &&
         CRYPTO_memcmp(computed, hash.data(), hash.size()) == 0;
}

std::optional<Credentials> ParseBasicAuthorization(
    std::string_view authorization) {
  constexpr std::string_view kScheme = "Basic ";
  if (authorization.size() <= kScheme.size() ||
      strncasecmp(authorization.data(), kScheme.data(), kScheme.size()) != 0) {
    return std::nullopt;
  }
  const auto decoded = DecodeBase64(authorization.substr(kScheme.size()));
  if (!decoded) return std::nullopt;
  const auto colon = decoded->find(':');
  // bcrypt ends a password at its first NUL.
  if (colon == std::string::npos || decoded->find('\0') != std::string::npos)
    return std::nullopt;
  return Credentials{decoded->substr(0, colon), decoded->substr(colon + 1)};
}

BasicAuth::BasicAuth(std::map<std::string, std::string> hashes,
                     PasswordMatches matches)
    : hashes_(std::move(hashes)), matches_(std::move(matches)) {
  // Without users nothing is cached: OpenSSL need not initialise (2.5 MB).
  if (!hashes_.empty() &&
      RAND_bytes(key_.data(), static_cast<int>(key_.size())) != 1)
    throw std::runtime_error("OpenSSL has no random numbers");
}

AuthResult BasicAuth::Check(
    const std::optional<Credentials>& credentials) const {
  if (hashes_.empty()) return AuthResult::kAllowed;
  if (!credentials) return AuthResult::kDenied;
  const Digest digest = DigestOf(*credentials);
  const std::lock_guard lock(cache_mutex_);
  if (accepted_.contains(digest)) return AuthResult::kAllowed;
  if (rejected_.contains(digest)) return AuthResult::kDenied;
  return AuthResult::kPending;
}

bool BasicAuth::Verify(const std::optional<Credentials>& credentials) {
  if (hashes_.empty()) return true;
  if (!credentials) return false;
  const Digest digest = DigestOf(*credentials);
  const bool matches =
      matches_(credentials->password, HashFor(credentials->user));
  const bool accepted = matches && hashes_.contains(credentials->user);
  const std::lock_guard lock(cache_mutex_);
  std::set<Digest>& kind = accepted ? accepted_ : rejected_;
  if (kind.size() >= kMaxCached) kind.clear();
  kind.insert(digest);
  return accepted;
}

// For an unknown user the hash of the highest cost, so that the time of a
// response does not reveal whether a user exists.
const std::string& BasicAuth::HashFor(const std::string& user) const {
  const auto known = hashes_.find(user);
  if (known != hashes_.end()) return known->second;
  return std::max_element(hashes_.begin(), hashes_.end(),
                          [](const auto& a, const auto& b) {
                            return Cost(a.second) < Cost(b.second);
                          })
      ->second;
}

// No two credentials have the same text, since a user has no colon
// (CVE-2022-46146).
BasicAuth::Digest BasicAuth::DigestOf(const Credentials& credentials) const {
  const std::string text = credentials.user + ":" + credentials.password;
  Digest digest{};
  if (HMAC(EVP_sha256(), key_.data(), static_cast<int>(key_.size()),
           reinterpret_cast<const unsigned char*>(text.data()), text.size(),
           digest.data(), nullptr) == nullptr) {
    throw std::bad_alloc();
  }
  return digest;
}

}  // namespace jemalloc_exporter
