#ifndef JEMALLOC_EXPORTER_EXPORTER_HTTP_CONFIG_BASIC_AUTH_H_
#define JEMALLOC_EXPORTER_EXPORTER_HTTP_CONFIG_BASIC_AUTH_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <string_view>

#include "exporter/http/server_options.h"

namespace jemalloc_exporter {

struct Credentials {
  std::string user;  ///< Without a colon.
  std::string password;
};

/// Parses the value of an Authorization header (RFC 7617), such as
/// `Basic YWxpY2U6c2VjcmV0`. Returns none for another scheme or a malformed
/// value.
std::optional<Credentials> ParseBasicAuthorization(
    std::string_view authorization);

/// Returns whether `hash` is the bcrypt hash of `password`. Takes about 65 ms
/// at the usual cost of 10.
bool BcryptMatches(const std::string& password, const std::string& hash);

/// Verifies `basic_auth_users`, and caches the results. An unknown user takes
/// as long as the slowest of the known. Thread-safe, but see `Verify`.
class BasicAuth {
 public:
  using PasswordMatches =
      std::function<bool(const std::string& password, const std::string& hash)>;

  /// `hashes` are bcrypt hashes by user; without any, all requests are allowed.
  /// Throws std::runtime_error if there are no random numbers.
  explicit BasicAuth(std::map<std::string, std::string> hashes,
                     PasswordMatches matches = BcryptMatches);

  /// Returns at once; kPending unless the result of Verify is cached.
  AuthResult Check(const std::optional<Credentials>& credentials) const;

  /// Returns whether the user exists and has this password. One call at a time:
  /// see `ServerSecurity::verify_password`.
  bool Verify(const std::optional<Credentials>& credentials);

  /// Maximum number of accepted and of rejected credentials in the cache. If
  /// one kind is full, all of that kind are evicted.
  static constexpr std::size_t kMaxCached = 1000;

 private:
  // HMAC of user and password with a random key: the cache reveals no password.
  using Digest = std::array<std::uint8_t, 32>;

  Digest DigestOf(const Credentials& credentials) const;
  const std::string& HashFor(const std::string& user) const;

  const std::map<std::string, std::string> hashes_;
  const PasswordMatches matches_;
  Digest key_{};
  mutable std::mutex cache_mutex_;
  std::set<Digest> accepted_;
  std::set<Digest> rejected_;
};

}  // namespace jemalloc_exporter

#endif  // JEMALLOC_EXPORTER_EXPORTER_HTTP_CONFIG_BASIC_AUTH_H_
