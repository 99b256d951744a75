#include "exporter/http_config/web_config_reloader.h"

#include <chrono>
#include <exception>
#include <memory>
#include <mutex>
#include <optional>
#include <stdexcept>
#include <utility>

#include "exporter/http/tls_stream.h"
#include "exporter/http_config/basic_auth.h"
#include "exporter/http_config/tls_context.h"
#include "exporter/http_config/web_config.h"

namespace jemalloc_exporter {
namespace {

using Path = std::filesystem::path;

// One version of a configuration, and what is made of it.
struct Version {
  explicit Version(WebConfig read)
      : config(std::move(read)), auth(config.basic_auth_users) {
    if (config.tls) tls.emplace(*config.tls);
  }

  const WebConfig config;
  BasicAuth auth;
  std::optional<TlsContext> tls;
};

class LiveWebConfig {
 public:
  LiveWebConfig(Path path, WebConfigReports reports)
      : path_(std::move(path)),
        reports_(std::move(reports)),
        current_(Make(ReadWebConfig(path_))) {}

  // The version that holds at the moment.
  std::shared_ptr<Version> Current() {
    const std::lock_guard lock(mutex_);
    if (Clock::now() >= next_look_) {
      Look();
      next_look_ = Clock::now() + kInterval;
    }
    return current_;
  }

 private:
  using Clock = std::chrono::steady_clock;

  static constexpr std::chrono::seconds kInterval{1};

  void Look() {
    std::string problem;
    try {
      WebConfig config = ReadWebConfig(path_);
      if (config == current_->config) return problem_.clear();
      current_ = Make(std::move(config));
    } catch (const std::exception& error) {
      problem = error.what();
    }
    if (problem.empty() || problem != problem_) reports_.on_reload(problem);
    problem_ = problem;
  }

  std::shared_ptr<Version> Make(WebConfig config) const try {
    return std::make_shared<Version>(std::move(config));
  } catch (const std::runtime_error& error) {
    throw std::runtime_error(path_.string() + ": " + error.what());
  }

  const Path path_;
  const WebConfigReports reports_;
  std::mutex mutex_;
  std::shared_ptr<Version> current_;
  std::string problem_;  // Of the version on disk; empty if that is current.
  Clock::time_point next_look_ = Clock::now() + kInterval;
};

}  // namespace

ServerSecurity OpenDoor(const Path& path, WebConfigReports reports) {
  const auto on_stranger = reports.on_stranger;
  const auto live = std::make_shared<LiveWebConfig>(path, std::move(reports));
  return {.new_stream =
              [live](int socket) {
                const auto version = live->Current();
                if (!version->tls) return NewPlainStream(socket);
                return NewTlsStream(version->tls->NewSession().release(),
                                    socket, version);
              },
          .check_credentials =
              [live](const std::string& authorization) {
                return live->Current()->auth.Judge(ReadLogin(authorization));
              },
          .verify_password =
              [live](const std::string& authorization) {
                return live->Current()->auth.Verify(ReadLogin(authorization));
              },
          .headers = [live] { return live->Current()->config.headers; },
          .on_handshake_failure = on_stranger};
}

}  // namespace jemalloc_exporter
