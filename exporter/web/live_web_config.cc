#include "web/live_web_config.h"

#include <chrono>
#include <exception>
#include <memory>
#include <mutex>
#include <optional>
#include <stdexcept>
#include <utility>

#include "web/basic_auth.h"
#include "web/tls.h"
#include "web/web_config.h"

namespace jemalloc_exporter {
namespace {

using Path = std::filesystem::path;
using OnReload = std::function<void(const std::string& problem)>;

// One version of a configuration, and what is made of it.
struct Version {
  explicit Version(WebConfig read)
      : config(std::move(read)), auth(config.basic_auth_users) {
    if (config.tls) tls.emplace(*config.tls);
  }

  const WebConfig config;
  BasicAuth auth;
  std::optional<Tls> tls;
};

class LiveWebConfig {
 public:
  LiveWebConfig(Path path, OnReload on_reload)
      : path_(std::move(path)),
        on_reload_(std::move(on_reload)),
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
      if (config.tls.has_value() != current_->tls.has_value()) {
        throw std::runtime_error(path_.string() +
                                 ": turning TLS on or off takes a restart");
      }
      current_ = Make(std::move(config));
    } catch (const std::exception& error) {
      problem = error.what();
    }
    if (problem.empty() || problem != problem_) on_reload_(problem);
    problem_ = problem;
  }

  std::shared_ptr<Version> Make(WebConfig config) const try {
    return std::make_shared<Version>(std::move(config));
  } catch (const std::runtime_error& error) {
    throw std::runtime_error(path_.string() + ": " + error.what());
  }

  const Path path_;
  const OnReload on_reload_;
  std::mutex mutex_;
  std::shared_ptr<Version> current_;
  std::string problem_;  // Of the version on disk; empty if that is current.
  Clock::time_point next_look_ = Clock::now() + kInterval;
};

}  // namespace

Door OpenDoor(const Path& path, OnReload on_reload) {
  const auto live = std::make_shared<LiveWebConfig>(path, std::move(on_reload));
  Door door;
  if (live->Current()->tls) {
    door.secure = [live](void* session) {
      auto version = live->Current();
      version->tls->Secure(static_cast<gnutls_session_t>(session));
      return version;
    };
  }
  door.judge = [live](const std::optional<Login>& login) {
    return live->Current()->auth.Judge(login);
  };
  door.verify = [live](const Login& login) {
    return live->Current()->auth.Verify(login);
  };
  door.headers = [live] { return live->Current()->config.headers; };
  return door;
}

}  // namespace jemalloc_exporter
