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
#include <string_view>
#include <utility>

namespace jemalloc_exporter {
namespace {

// "$2y$10$…": what makes one hash take longer than another.
std::string_view Cost(std::string_view hash) { return hash.substr(4, 2); }

bool IsOf(const std::string& password, const std::string& hash) {
  const auto data = std::make_unique<crypt_data>();
  const char* const computed =
      crypt_r(password.c_str(), hash.c_str(), data.get());
  return computed != nullptr &&
         std::string_view(computed).size() == hash.size() &&
         CRYPTO_memcmp(computed, hash.data(), hash.size()) == 0;
}

// RFC 4648, section 4. EVP_DecodeBlock itself skips white space, and returns
// the padding as zeros.
std::optional<std::string> DecodeBase64(std::string_view coded) {
  constexpr std::size_t kGroup = 4;
  constexpr std::size_t kMaxPadding = 2;
  constexpr std::string_view kAlphabet =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  if (coded.size() % kGroup != 0) return std::nullopt;
  const std::size_t end = coded.find_last_not_of('=') + 1;
  const std::size_t padding = coded.size() - end;
  if (padding > kMaxPadding || coded.substr(0, end).find_first_not_of(
                                   kAlphabet) != std::string_view::npos) {
    return std::nullopt;
  }
  std::string text(coded.size() / kGroup * 3, '\0');
  const int size =
      EVP_DecodeBlock(reinterpret_cast<unsigned char*>(text.data()),
                      reinterpret_cast<const unsigned char*>(coded.data()),
                      static_cast<int>(coded.size()));
  if (size < 0) return std::nullopt;
  text.resize(static_cast<std::size_t>(size) - padding);
  return text;
}

}  // namespace

std::optional<Login> ReadLogin(std::string_view authorization) {
  constexpr std::string_view kScheme = "Basic ";
  if (authorization.size() <= kScheme.size() ||
      strncasecmp(authorization.data(), kScheme.data(), kScheme.size()) != 0) {
    return std::nullopt;
  }
  const auto decoded = DecodeBase64(authorization.substr(kScheme.size()));
  if (!decoded) return std::nullopt;
  const std::string_view text = *decoded;
  const auto colon = text.find(':');
  // bcrypt takes a NUL for the end of a password.
  if (colon == std::string_view::npos ||
      text.find('\0') != std::string_view::npos)
    return std::nullopt;
  return Login{std::string(text.substr(0, colon)),
               std::string(text.substr(colon + 1))};
}

BasicAuth::BasicAuth(std::map<std::string, std::string> hashes)
    : hashes_(std::move(hashes)) {
  if (RAND_bytes(key_.data(), static_cast<int>(key_.size())) != 1) {
    throw std::runtime_error("OpenSSL has no random numbers");
  }
}

AuthResult BasicAuth::Judge(const std::optional<Login>& login) const {
  if (hashes_.empty()) return AuthResult::kAllowed;
  if (!login) return AuthResult::kDenied;
  const Digest digest = DigestOf(*login);
  const std::lock_guard lock(mutex_);
  if (right_.contains(digest)) return AuthResult::kAllowed;
  if (wrong_.contains(digest)) return AuthResult::kDenied;
  return AuthResult::kPending;
}

bool BasicAuth::Verify(const std::optional<Login>& login) {
  if (hashes_.empty()) return true;
  if (!login) return false;
  const std::lock_guard lock(verifying_);
  const bool is_of = IsOf(login->password, HashFor(login->user));
  const bool right = is_of && hashes_.contains(login->user);
  Remember(DigestOf(*login), right);
  return right;
}

// An unknown user gets the hash that takes longest.
const std::string& BasicAuth::HashFor(const std::string& user) const {
  const auto known = hashes_.find(user);
  if (known != hashes_.end()) return known->second;
  return std::max_element(hashes_.begin(), hashes_.end(),
                          [](const auto& a, const auto& b) {
                            return Cost(a.second) < Cost(b.second);
                          })
      ->second;
}

// Each part with its length, so that no two logins read the same.
BasicAuth::Digest BasicAuth::DigestOf(const Login& login) const {
  std::string text;
  for (const std::string& part :
       {login.user, HashFor(login.user), login.password}) {
    text += std::to_string(part.size()) + ":" + part;
  }
  Digest digest{};
  if (HMAC(EVP_sha256(), key_.data(), static_cast<int>(key_.size()),
           reinterpret_cast<const unsigned char*>(text.data()), text.size(),
           digest.data(), nullptr) == nullptr) {
    throw std::bad_alloc();
  }
  return digest;
}

void BasicAuth::Remember(const Digest& digest, bool right) {
  const std::lock_guard lock(mutex_);
  std::set<Digest>& kind = right ? right_ : wrong_;
  if (kind.size() >= kMaxRemembered) kind.clear();
  kind.insert(digest);
}

}  // namespace jemalloc_exporter
