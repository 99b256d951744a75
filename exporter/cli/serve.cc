#include "exporter/cli/serve.h"

#include <sys/resource.h>
#include <sys/time.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstring>
#include <ctime>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>

#include "build_info.h"
#include "exporter/cli/log.h"
#include "exporter/cli/preload.h"
#include "exporter/endpoints/endpoints.h"
#include "exporter/http_config/web_config_reloader.h"
#include "web/http_server.h"
#include "web/listen.h"
#include "web/systemd_sockets.h"

namespace jemalloc_exporter {
namespace {

// By then a command has loaded its libraries.
constexpr timespec kTimeToStart{.tv_sec = 5, .tv_nsec = 0};

sigset_t SignalsThatEnd() {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGINT);
  return signals;
}

// They cost nothing before they are used. The 1,024 that are usual could be
// taken up by silent clients and by processes that do not answer.
void AllowManyDescriptors() {
  rlimit descriptors{};
  if (getrlimit(RLIMIT_NOFILE, &descriptors) != 0) return;
  descriptors.rlim_cur = descriptors.rlim_max;
  setrlimit(RLIMIT_NOFILE, &descriptors);
}

std::vector<FileDescriptor> Listeners(const ServeOptions& options) {
  if (options.systemd_socket) return TakeSystemdSockets();
  std::vector<FileDescriptor> listeners;
  for (const std::string& address : options.listen_addresses) {
    std::string error;
    listeners.push_back(Listen(address, &error));
    if (!listeners.back()) throw std::runtime_error(error);
  }
  return listeners;
}

// Null without a file. Throws std::runtime_error.
std::unique_ptr<WebConfigReloader> LoadWebConfig(
    const std::string& config_file) {
  if (config_file.empty()) return nullptr;
  auto web_config = std::make_unique<WebConfigReloader>(
      config_file,
      WebConfigObserver{
          .on_reload =
              [](const std::string& error) {
                if (error.empty()) {
                  Log(LogLevel::kInfo, "Web configuration reloaded");
                } else {
                  Log(LogLevel::kError,
                      "Web configuration not reloaded, the last valid one "
                      "stays in force",
                      {{"err", error}});
                }
              },
          .on_handshake_failure =
              [](const std::string& line) {
                Log(LogLevel::kDebug, "HTTP server", {{"err", line}});
              }});
  Log(LogLevel::kInfo, "Web configuration read", {{"file", config_file}});
  return web_config;
}

HttpServerOptions ServerOptions(const ServeOptions& options,
                                Endpoints& endpoints,
                                const WebConfigReloader* web_config) {
  HttpServerOptions server;
  server.max_requests = options.max_requests;
  if (web_config != nullptr) server.door = web_config->Security();
  server.on_answer = [&](int status) { endpoints.CountResponse(status); };
  server.on_problem = [](const std::string& line) {
    Log(LogLevel::kWarn, "HTTP server", {{"err", line}});
  };
  return server;
}

EndpointOptions EndpointsOf(const ServeOptions& options) {
  return {.telemetry_path = options.telemetry_path,
          .external_url = options.external_url,
          .route_prefix = options.route_prefix,
          .disable_exporter_metrics = options.disable_exporter_metrics,
          .agent_timeout = options.agent_timeout,
          .process_filter = options.process_filter,
          .agent_path = FindAgent()};
}

void WarnOfNoProcess(const ServeOptions& options) {
  if (!AgentPoller(options.process_filter)
           .Poll(options.agent_timeout)
           .empty()) {
    return;
  }
  Log(LogLevel::kWarn,
      "No process of the command can be asked for its heap: it does not use "
      "jemalloc (see --with-jemalloc), hides it, or ignores LD_PRELOAD");
}

// An answer may wait for a process that does not answer. Its scraper will have
// to do without.
void EndSoon() {
  std::signal(SIGALRM, [](int) { _exit(0); });
  const itimerval patience{.it_interval = {}, .it_value = {0, 500'000}};
  setitimer(ITIMER_REAL, &patience, nullptr);
}

}  // namespace

int RunServe(const ServeOptions& options) {
  const sigset_t signals = SignalsThatEnd();
  // A log that nobody reads any more is no reason to end.
  std::signal(SIGPIPE, SIG_IGN);
  // Before there are threads, so that none of them takes a signal.
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);

  AllowManyDescriptors();
  Endpoints endpoints(EndpointsOf(options));
  const auto web_config = LoadWebConfig(options.config_file);
  HttpServer server(ServerOptions(options, endpoints, web_config.get()));
  endpoints.AddTo(server);

  std::vector<FileDescriptor> listeners = Listeners(options);
  std::vector<std::string> addresses(listeners.size());
  std::transform(listeners.begin(), listeners.end(), addresses.begin(),
                 ListeningAddress);
  std::string error;
  if (!server.Start(std::move(listeners), &error)) {
    throw std::runtime_error(error);
  }
  Log(LogLevel::kInfo, "Starting jemalloc_exporter",
      {{"version", kVersion}, {"revision", kRevision}});
  for (const std::string& address : addresses) {
    Log(LogLevel::kInfo, "Listening", {{"address", address}});
  }

  int signal = -1;
  if (options.process_filter.includes) {
    signal = sigtimedwait(&signals, nullptr, &kTimeToStart);
    if (signal < 0) WarnOfNoProcess(options);
  }
  if (signal < 0) sigwait(&signals, &signal);
  Log(LogLevel::kInfo, "Ending", {{"signal", strsignal(signal)}});
  if (!options.systemd_socket) {
    for (const std::string& address : addresses) RemoveUnixSocket(address);
  }
  EndSoon();
  return 0;
}

}  // namespace jemalloc_exporter
