#ifndef JEMALLOC_EXPORTER_EXPORTER_HTTP_CONFIG_WEB_CONFIG_RELOADER_H_
#define JEMALLOC_EXPORTER_EXPORTER_HTTP_CONFIG_WEB_CONFIG_RELOADER_H_

#include <filesystem>
#include <functional>
#include <string>

#include "exporter/http/server_security.h"

namespace jemalloc_exporter {

/// What becomes known of a web configuration while it is used. From any thread.
struct WebConfigReports {
  /// There is a new version of the file or of one that it names; with an empty
  /// line, or with one that says why it is not taken.
  std::function<void(const std::string& problem)> on_reload;
  /// A client has failed to begin a TLS session, for the reason in the line.
  std::function<void(const std::string& line)> on_stranger;
};

/// The door that the web configuration at `path` describes, for as long as it
/// is used: the file and those that it names are read again when somebody
/// knocks and a second has passed since. Connections have what held when they
/// came. A version that is broken changes nothing.
///
/// Throws std::runtime_error, with one line, if the first version is broken.
ServerSecurity OpenDoor(const std::filesystem::path& path, WebConfigReports reports);

}  // namespace jemalloc_exporter

#endif  // JEMALLOC_EXPORTER_EXPORTER_HTTP_CONFIG_WEB_CONFIG_RELOADER_H_
