#ifndef JEMALLOC_EXPORTER_EXPORTER_WEB_DOOR_H_
#define JEMALLOC_EXPORTER_EXPORTER_WEB_DOOR_H_

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace jemalloc_exporter {

/// Whom a request claims to come from: HTTP basic authentication, RFC 7617.
struct Login {
  std::string user;
  std::string password;
};

enum class Admission {
  kGranted,
  kDenied,
  kUnknown,  ///< To find out takes time.
};

/// Names and values.
using Headers = std::vector<std::pair<std::string, std::string>>;

/// What stands between a server and its clients: by default nothing. What it
/// says may change at any time. Nothing here throws anything but
/// std::bad_alloc.
struct Door {
  /// Prepares the TLS session of a new connection, a `gnutls_session_t`, and
  /// returns what that needs until its end. Without it there is no TLS. Called
  /// by one thread at a time.
  std::function<std::shared_ptr<const void>(void* session)> secure = {};

  /// Whether a request with this login, or without one, is answered. At once.
  /// Called by one thread at a time.
  std::function<Admission(const std::optional<Login>&)> judge =
      [](const std::optional<Login>&) { return Admission::kGranted; };

  /// The same of a login on which `judge` has no opinion, whatever time that
  /// takes. On any thread, on several at once.
  std::function<bool(const Login&)> verify = [](const Login&) { return false; };

  /// What every answer tells besides its own headers. Called by one thread at a
  /// time.
  std::function<Headers()> headers = [] { return Headers(); };
};

}  // namespace jemalloc_exporter

#endif  // JEMALLOC_EXPORTER_EXPORTER_WEB_DOOR_H_
