#ifndef JEMALLOC_EXPORTER_EXPORTER_HTTP_CONFIG_WEB_CONFIG_H_
#define JEMALLOC_EXPORTER_EXPORTER_HTTP_CONFIG_WEB_CONFIG_H_

#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "exporter/http/message.h"
#include "exporter/http_config/config_file.h"

namespace jemalloc_exporter {

/// `client_auth_type`.
enum class ClientAuth {
  kNone,              ///< NoClientCert
  kRequest,           ///< RequestClientCert
  kRequireAny,        ///< RequireAnyClientCert, RequireClientCert
  kVerifyIfGiven,     ///< VerifyClientCertIfGiven
  kRequireAndVerify,  ///< RequireAndVerifyClientCert
};

inline bool RequiresCertificate(ClientAuth client_auth) {
  return client_auth == ClientAuth::kRequireAny ||
         client_auth == ClientAuth::kRequireAndVerify;
}

inline bool VerifiesCertificate(ClientAuth client_auth) {
  return client_auth >= ClientAuth::kVerifyIfGiven;
}

/// `tls_server_config`, with the content of files in place of their names.
struct TlsConfig {
  std::string cert;  ///< PEM, as are the next two.
  std::string key;
  std::string client_ca;  ///< Empty: the authorities of the system.
  ClientAuth client_auth = ClientAuth::kNone;
  std::vector<std::string> client_allowed_sans;  ///< Empty: any.
  int min_version = 2;                           ///< TLS 1.2.
  int max_version = 3;
  std::vector<std::string>
      cipher_suites;  ///< IANA names; empty: OpenSSL's default.
  bool prefer_server_cipher_suites = true;
  std::vector<std::string> curve_preferences;  ///< Empty: OpenSSL's default.

  friend bool operator==(const TlsConfig&, const TlsConfig&) = default;
};

/// A web configuration file in the format of the Prometheus exporter toolkit
/// (its docs/web-configuration.md).
struct WebConfig {
  std::optional<TlsConfig> tls;
  Headers headers;
  std::map<std::string, std::string> basic_auth_users;  ///< bcrypt by name.

  bool is_piped = false;  ///< From a pipe, which is read once.

  /// Whether there is no setting.
  bool empty() const {
    return !tls && headers.empty() && basic_auth_users.empty();
  }
  friend bool operator==(const WebConfig&, const WebConfig&) = default;
};

/// Parses a configuration, and reads the files that it names; relative names
/// are relative to `folder`. Strict: an unknown or duplicate key, a value of
/// another type, and a second document are errors. Throws std::runtime_error
/// with one line: the number of the line, the key, the reason.
WebConfig ParseWebConfig(std::string_view yaml,
                         const std::filesystem::path& folder,
                         ConfigFileReader& files);

/// The same for the file at `path`, with which the line begins.
WebConfig ReadWebConfig(const std::filesystem::path& path,
                        ConfigFileReader& files);

}  // namespace jemalloc_exporter

#endif  // JEMALLOC_EXPORTER_EXPORTER_HTTP_CONFIG_WEB_CONFIG_H_
