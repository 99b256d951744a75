#ifndef JEMALLOC_EXPORTER_EXPORTER_HTTP_CONFIG_BASIC_AUTH_H_
#define JEMALLOC_EXPORTER_EXPORTER_HTTP_CONFIG_BASIC_AUTH_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <string_view>

#include "exporter/http/server_security.h"

namespace jemalloc_exporter {

/// Whom a request claims to come from.
struct Login {
  std::string user;
  std::string password;
};

/// Reads a header Authorization by RFC 7617: `Basic YWxpY2U6c2VjcmV0`. Returns
/// none where it is of another kind, or malformed.
std::optional<Login> ReadLogin(std::string_view authorization);

/// Who knows a password. A login is verified with bcrypt, which takes its time
/// on purpose, and remembered from then on; an unknown user takes as long as a
/// known one. Thread-safe.
class BasicAuth {
 public:
  /// `hashes` are bcrypt's, by user. Without any everybody may come in. Throws
  /// std::runtime_error where there are no random numbers.
  explicit BasicAuth(std::map<std::string, std::string> hashes);

  /// What is known at once.
  AuthResult Judge(const std::optional<Login>& login) const;

  /// Whether the user is known and the password is his. One at a time: others
  /// wait, so that it never takes more than one processor.
  bool Verify(const std::optional<Login>& login);

  /// How many right and how many wrong logins are remembered, at most. Beyond
  /// that all of the kind are forgotten, and are verified again.
  static constexpr std::size_t kMaxRemembered = 1000;

 private:
  // Of user, hash and password, under a key that nobody has: what is remembered
  // tells nobody a password.
  using Digest = std::array<std::uint8_t, 32>;

  Digest DigestOf(const Login& login) const;
  const std::string& HashFor(const std::string& user) const;
  void Remember(const Digest& digest, bool right);

  const std::map<std::string, std::string> hashes_;
  Digest key_{};
  std::mutex verifying_;
  mutable std::mutex mutex_;
  std::set<Digest> right_;
  std::set<Digest> wrong_;
};

}  // namespace jemalloc_exporter

#endif  // JEMALLOC_EXPORTER_EXPORTER_HTTP_CONFIG_BASIC_AUTH_H_
