#include "exporter/http_config/web_config_reloader.h"

#include <openssl/crypto.h>

#include <condition_variable>
#include <exception>
#include <mutex>
#include <optional>
#include <stdexcept>
#include <utility>

#include "exporter/http/service_thread.h"
#include "exporter/http/tls_stream.h"
#include "exporter/http_config/basic_auth.h"
#include "exporter/http_config/config_file.h"
#include "exporter/http_config/tls_context.h"

namespace jemalloc_exporter {
namespace {

// One version of the file, ready for use.
struct LoadedWebConfig {
  // Passwords that `previous` has verified stay so, if the users are the same.
  LoadedWebConfig(WebConfig new_config, const LoadedWebConfig* previous)
      : config(std::move(new_config)) {
    const bool same_users =
        previous != nullptr &&
        previous->config.basic_auth_users == config.basic_auth_users;
    auth = same_users ? previous->auth
                      : std::make_shared<BasicAuth>(config.basic_auth_users);
    if (config.tls) tls.emplace(*config.tls);
  }

  const WebConfig config;
  std::shared_ptr<BasicAuth> auth;
  std::optional<TlsServerContext> tls;
};

bool VerifiesCertificate(const TlsConfig& tls) {
  return tls.client_auth >= ClientAuth::kVerifyIfGiven;
}

// Returns the first key by which `to` protects less than `from`, or nothing. A
// truncated file can be valid and lack such a key.
std::string WeakenedKey(const WebConfig& from, const WebConfig& to) {
  if (!from.basic_auth_users.empty() && to.basic_auth_users.empty())
    return "basic_auth_users";
  if (!from.tls) return {};
  if (!to.tls) return "tls_server_config";
  const std::string tls = "tls_server_config.";
  if ((RequiresCertificate(from.tls->client_auth) &&
       !RequiresCertificate(to.tls->client_auth)) ||
      (VerifiesCertificate(*from.tls) && !VerifiesCertificate(*to.tls))) {
    return tls + "client_auth_type";
  }
  const auto is_removed = [&](const auto& value) {
    return !((*from.tls).*value).empty() && ((*to.tls).*value).empty();
  };
  // Without it, certificates of all authorities of the system are accepted.
  if (is_removed(&TlsConfig::client_ca)) return tls + "client_ca";
  if (is_removed(&TlsConfig::client_allowed_sans))
    return tls + "client_allowed_sans";
  if (is_removed(&TlsConfig::cipher_suites)) return tls + "cipher_suites";
  if (is_removed(&TlsConfig::curve_preferences))
    return tls + "curve_preferences";
  if (from.tls->min_version > to.tls->min_version) return tls + "min_version";
  return {};
}

}  // namespace

class WebConfigReloader::State {
 public:
  State(std::string name, std::function<WebConfig()> read,
        WebConfigObserver observer, Timing timing)
      : name_(std::move(name)),
        read_(std::move(read)),
        observer_(std::move(observer)),
        timing_(timing) {}

  // The thread.
  void Run() {
    // libcrypto's error texts take 0.2 MB; those of libssl stay, for
    // handshakes.
    OPENSSL_init_crypto(OPENSSL_INIT_NO_LOAD_CRYPTO_STRINGS, nullptr);
    LoadFirst();
    std::unique_lock lock(mutex_);
    while (!stopping_) {
      wake_.wait_for(lock, timing_.interval,
                     [this] { return stopping_ || requested_; });
      if (stopping_) break;
      const bool requested = std::exchange(requested_, false);
      lock.unlock();
      try {
        Reload(requested);
      } catch (const std::exception&) {
        // No memory for the report.
      }
      lock.lock();
    }
    finished_ = true;
    changed_.notify_all();
  }

  // Throws what LoadFirst did.
  void AwaitFirst() {
    std::unique_lock lock(mutex_);
    const bool loaded = changed_.wait_for(lock, timing_.start_timeout, [this] {
      return current_ != nullptr || first_error_ != nullptr;
    });
    if (first_error_) std::rethrow_exception(first_error_);
    if (!loaded) {
      const auto limit =
          std::chrono::ceil<std::chrono::seconds>(timing_.start_timeout);
      throw std::runtime_error(name_ + ": not read within " +
                               std::to_string(limit.count()) + " s");
    }
  }

  void RequestReload() {
    const std::lock_guard lock(mutex_);
    requested_ = true;
    wake_.notify_all();
  }

  // Returns whether the thread has ended within 1 s.
  bool Stop() {
    constexpr std::chrono::seconds kStopTimeout{1};
    std::unique_lock lock(mutex_);
    stopping_ = true;
    wake_.notify_all();
    return changed_.wait_for(lock, kStopTimeout, [this] { return finished_; });
  }

  std::shared_ptr<LoadedWebConfig> Current() const {
    const std::lock_guard lock(mutex_);
    return current_;
  }

  void ReportHandshakeFailure(const std::string& line) const {
    observer_.on_handshake_failure(line);
  }

 private:
  void LoadFirst() {
    std::shared_ptr<LoadedWebConfig> first;
    std::exception_ptr error;
    try {
      first = Load(read_(), nullptr);
    } catch (...) {
      error = std::current_exception();
    }
    const std::lock_guard lock(mutex_);
    current_ = std::move(first);
    first_error_ = error;
    stopping_ = stopping_ || error != nullptr;
    changed_.notify_all();
  }

  void Reload(bool requested) {
    std::string error;
    try {
      if (!Update() && !requested && last_error_.empty()) return;
    } catch (const std::exception& exception) {
      error = exception.what();
      if (error == last_error_ && !requested) return;
    }
    observer_.on_reload(error);
    last_error_ = error;
  }

  // Returns whether there is a new version.
  bool Update() {
    const auto current = Current();
    WebConfig config = read_();
    if (config == current->config) return false;
    if (config == WebConfig())
      throw std::runtime_error(name_ + ": the file is empty");
    if (const std::string key = WeakenedKey(current->config, config);
        !key.empty()) {
      throw std::runtime_error(name_ + ": " + key +
                               ": a reload does not weaken it; restart to "
                               "apply");
    }
    auto next = Load(std::move(config), current.get());
    const std::lock_guard lock(mutex_);
    current_ = std::move(next);
    return true;
  }

  std::shared_ptr<LoadedWebConfig> Load(WebConfig config,
                                        const LoadedWebConfig* previous) const
      try {
    return std::make_shared<LoadedWebConfig>(std::move(config), previous);
  } catch (const std::runtime_error& error) {
    throw std::runtime_error(name_ + ": " + error.what());
  }

  const std::string name_;
  const std::function<WebConfig()> read_;
  const WebConfigObserver observer_;
  const Timing timing_;
  std::string last_error_;  // Of the version on disk; the thread's own.

  mutable std::mutex mutex_;
  std::condition_variable wake_;     // Of the thread.
  std::condition_variable changed_;  // By the thread.
  std::shared_ptr<LoadedWebConfig> current_;
  std::exception_ptr first_error_;
  bool requested_ = false;
  bool stopping_ = false;
  bool finished_ = false;
};

WebConfigReloader::WebConfigReloader(const std::filesystem::path& path,
                                     WebConfigObserver observer)
    : WebConfigReloader(
          path.string(),
          [path, files = std::make_shared<ConfigFileReader>()] {
            return ReadWebConfig(path, *files);
          },
          std::move(observer), Timing()) {}

WebConfigReloader::WebConfigReloader(std::string name,
                                     std::function<WebConfig()> read,
                                     WebConfigObserver observer, Timing timing)
    : state_(std::make_shared<State>(std::move(name), std::move(read),
                                     std::move(observer), timing)),
      thread_(StartThreadWithSignalsBlocked(
          "web_config", [state = state_] { state->Run(); })) {
  try {
    state_->AwaitFirst();
  } catch (const std::exception&) {
    Stop();
    throw;
  }
}

WebConfigReloader::~WebConfigReloader() { Stop(); }

void WebConfigReloader::Stop() {
  if (state_->Stop()) {
    thread_.join();
  } else {
    // It waits for a file system, and keeps its state until that responds.
    thread_.detach();
  }
}

void WebConfigReloader::RequestReload() { state_->RequestReload(); }

ServerSecurity WebConfigReloader::Security() const {
  const auto state = state_;
  return {.new_stream =
              [state](int socket) {
                const auto version = state->Current();
                if (!version->tls) return NewPlainStream(socket);
                return NewTlsStream(version->tls->NewSession(), socket,
                                    version);
              },
          .check_credentials =
              [state](const std::string& authorization) {
                return state->Current()->auth->Check(
                    ParseBasicAuthorization(authorization));
              },
          .verify_password =
              [state](const std::string& authorization) {
                return state->Current()->auth->Verify(
                    ParseBasicAuthorization(authorization));
              },
          .headers = [state] { return state->Current()->config.headers; },
          .on_handshake_failure =
              [state](const std::string& line) {
                state->ReportHandshakeFailure(line);
              }};
}

}  // namespace jemalloc_exporter
