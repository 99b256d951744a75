#ifndef JEMALLOC_EXPORTER_EXPORTER_HTTP_CONFIG_WEB_CONFIG_RELOADER_H_
#define JEMALLOC_EXPORTER_EXPORTER_HTTP_CONFIG_WEB_CONFIG_RELOADER_H_

#include <chrono>
#include <filesystem>
#include <functional>
#include <memory>
#include <string>
#include <thread>

#include "exporter/http/server_options.h"
#include "exporter/http_config/web_config.h"

namespace jemalloc_exporter {

/// TLS and passwords of a server by a web configuration file. The file and
/// those that it names are read again every second, on a thread of this
/// object: a file system that does not respond delays nothing else.
///
/// A reload never weakens protection. The last valid version stays in force if
/// the new one cannot be read, is invalid or empty, or if it removes TLS, all
/// users, or a requirement for client certificates: that takes a restart.
/// A connection keeps the TLS version that it began with. Thread-safe.
class WebConfigReloader {
 public:
  /// Called with an empty line if a new version is in force, and with one line
  /// of error if it is rejected; once as long as the error is the same. On the
  /// reloader's thread.
  using Report = std::function<void(const std::string& error)>;

  struct Timing {
    std::chrono::milliseconds interval{1'000};
    std::chrono::milliseconds start_timeout{5'000};
  };

  /// Throws std::runtime_error with one line if the file at `path` is invalid,
  /// or not read within `start_timeout`.
  WebConfigReloader(const std::filesystem::path& path, Report report);

  /// Calls `read` instead of reading a file; errors begin with `name`.
  WebConfigReloader(std::string name, std::function<WebConfig()> read,
                    Report report, Timing timing);

  /// Waits for the thread, but at most 1 s if `read` does not return.
  ~WebConfigReloader();
  WebConfigReloader(const WebConfigReloader&) = delete;
  WebConfigReloader& operator=(const WebConfigReloader&) = delete;

  /// Makes the thread read the file at once, and report the outcome even if
  /// nothing changed; of a pipe, that it cannot. Returns at once. Not
  /// async-signal-safe.
  void RequestReload();

  /// Whether the file had no setting when this object was created.
  bool started_empty() const { return started_empty_; }

  /// Returns the functions that a server calls. They remain valid after this
  /// object is destroyed.
  ServerSecurity Security() const;

 private:
  struct State;

  void Stop();

  std::shared_ptr<State> state_;
  std::thread thread_;
  bool started_empty_ = false;
};

}  // namespace jemalloc_exporter

#endif  // JEMALLOC_EXPORTER_EXPORTER_HTTP_CONFIG_WEB_CONFIG_RELOADER_H_
