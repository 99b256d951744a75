#include "exporter/http_config/web_config_reloader.h"

#include <openssl/crypto.h>

#include <condition_variable>
#include <exception>
#include <future>
#include <mutex>
#include <stdexcept>
#include <utility>

#include "exporter/http/service_thread.h"
#include "exporter/http/stream.h"
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
    if (config.tls) tls = std::make_shared<TlsServerContext>(*config.tls);
  }

  const WebConfig config;
  std::shared_ptr<BasicAuth> auth;
  std::shared_ptr<const TlsServerContext> tls;  // Null: without TLS.
};

// Throws std::runtime_error with the first key by which `to` protects less than
// `from`. A truncated file can be valid and lack such a key.
void RequireProtection(const WebConfig& from, const WebConfig& to) {
  if (to.empty()) throw std::runtime_error("the file is empty");
  const auto require = [](bool protects, const std::string& key) {
    if (protects) return;
    throw std::runtime_error(key +
                             ": a reload does not weaken it; restart to apply");
  };
  require(from.basic_auth_users.empty() || !to.basic_auth_users.empty(),
          "basic_auth_users");
  if (!from.tls) return;
  require(to.tls.has_value(), "tls_server_config");

  const std::string tls = "tls_server_config.";
  const auto requires_as_before = [&](bool (*requirement)(ClientAuth)) {
    return !requirement(from.tls->client_auth) ||
           requirement(to.tls->client_auth);
  };
  require(requires_as_before(&RequiresCertificate) &&
              requires_as_before(&VerifiesCertificate),
          tls + "client_auth_type");
  const auto require_kept = [&](auto TlsConfig::*value,
                                const std::string& key) {
    require((*from.tls.*value).empty() || !(*to.tls.*value).empty(), tls + key);
  };
  // Without it, certificates of all authorities of the system are accepted.
  require_kept(&TlsConfig::client_ca, "client_ca");
  require_kept(&TlsConfig::client_allowed_sans, "client_allowed_sans");
  require_kept(&TlsConfig::cipher_suites, "cipher_suites");
  require_kept(&TlsConfig::curve_preferences, "curve_preferences");
  require(from.tls->min_version <= to.tls->min_version, tls + "min_version");
}

}  // namespace

struct WebConfigReloader::State {
  void Run();
  void Reload(bool was_requested);
  bool Update();
  std::shared_ptr<LoadedWebConfig> Current() const {
    const std::lock_guard lock(mutex);
    return current;
  }

  const std::string name;
  const std::function<WebConfig()> read;
  const Report report;
  const Timing timing;
  std::packaged_task<bool()> load_first{[this] { return Update(); }};
  std::string last_error = {};  // Of the version on disk; the thread's own.

  mutable std::mutex mutex = {};
  std::condition_variable wake = {};
  std::shared_ptr<LoadedWebConfig> current = {};
  bool requested = false;
  bool stopping = false;
  bool ended = false;
};

// The thread.
void WebConfigReloader::State::Run() {
  // libcrypto's error texts take 0.2 MB; those of libssl stay, for handshakes.
  OPENSSL_init_crypto(OPENSSL_INIT_NO_LOAD_CRYPTO_STRINGS, nullptr);
  load_first();
  std::unique_lock lock(mutex);
  while (current) {
    wake.wait_for(lock, timing.interval,
                  [this] { return stopping || requested; });
    if (stopping) break;
    const bool was_requested = std::exchange(requested, false);
    lock.unlock();
    try {
      Reload(was_requested);
    } catch (const std::exception&) {
      // No memory for the report.
    }
    lock.lock();
  }
  ended = true;
  wake.notify_all();
}

// Where it was requested, reports also that nothing changed.
void WebConfigReloader::State::Reload(bool was_requested) {
  std::string error;
  bool is_news = false;
  try {
    is_news = Update() || !last_error.empty();
  } catch (const std::exception& exception) {
    error = exception.what();
    is_news = error != last_error;
  }
  const bool cannot_change =
      !is_news && error.empty() && Current()->config.is_piped;
  if (was_requested && cannot_change) {
    report(name + ": a pipe is read once; restart to apply");
  } else if (was_requested || is_news) {
    report(error);
  }
  last_error = error;
}

// Returns whether there is a new version.
bool WebConfigReloader::State::Update() {
  WebConfig config = read();
  const auto previous = Current();
  if (previous && config == previous->config) return false;
  try {
    if (previous) RequireProtection(previous->config, config);
    auto next =
        std::make_shared<LoadedWebConfig>(std::move(config), previous.get());
    const std::lock_guard lock(mutex);
    current = std::move(next);
    return true;
  } catch (const std::runtime_error& error) {
    throw std::runtime_error(name + ": " + error.what());
  }
}

WebConfigReloader::WebConfigReloader(const std::filesystem::path& path,
                                     Report report)
    : WebConfigReloader(
          path.string(),
          [path, files = std::make_shared<ConfigFileReader>()] {
            return ReadWebConfig(path, *files);
          },
          std::move(report), Timing()) {}

WebConfigReloader::WebConfigReloader(std::string name,
                                     std::function<WebConfig()> read,
                                     Report report, Timing timing)
    : state_(new State{std::move(name), std::move(read), std::move(report),
                       timing}),
      thread_(StartThreadWithSignalsBlocked(
          "web_config", [state = state_] { state->Run(); })) {
  try {
    auto loaded = state_->load_first.get_future();
    if (loaded.wait_for(timing.start_timeout) != std::future_status::ready) {
      const auto limit =
          std::chrono::ceil<std::chrono::seconds>(timing.start_timeout);
      throw std::runtime_error(state_->name + ": not read within " +
                               std::to_string(limit.count()) + " s");
    }
    loaded.get();
    started_empty_ = state_->Current()->config.empty();
  } catch (const std::exception&) {
    Stop();
    throw;
  }
}

WebConfigReloader::~WebConfigReloader() { Stop(); }

void WebConfigReloader::Stop() {
  constexpr std::chrono::seconds kStopTimeout{1};
  std::unique_lock lock(state_->mutex);
  state_->stopping = true;
  state_->wake.notify_all();
  const bool ended = state_->wake.wait_for(lock, kStopTimeout,
                                           [this] { return state_->ended; });
  lock.unlock();
  // A thread that waits for a file system keeps its state until that responds.
  ended ? thread_.join() : thread_.detach();
}

void WebConfigReloader::RequestReload() {
  const std::lock_guard lock(state_->mutex);
  state_->requested = true;
  state_->wake.notify_all();
}

ServerSecurity WebConfigReloader::Security() const {
  const auto state = state_;
  return {.new_stream =
              [state](int socket) {
                const auto tls = state->Current()->tls;
                return tls ? NewTlsStream(tls, socket)
                           : std::make_unique<Stream>(socket);
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
          .headers = [state] { return state->Current()->config.headers; }};
}

}  // namespace jemalloc_exporter
