#include "exporter/cli/serve.h"

#include <poll.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/time.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstring>
#include <ctime>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "exporter/build_info.h"
#include "exporter/cli/all_namespaces.h"
#include "exporter/cli/listeners.h"
#include "exporter/cli/log.h"
#include "exporter/cli/preload.h"
#include "exporter/endpoints/endpoints.h"
#include "exporter/http/listen.h"
#include "exporter/http/server.h"
#include "exporter/http_config/web_config_reloader.h"

namespace jemalloc_exporter {
namespace {

// Time for a command to load its libraries.
constexpr std::chrono::milliseconds kStartupGrace{5000};

// Time for requests in progress when serving ends.
constexpr time_t kShutdownSeconds = 5;

sigset_t HandledSignals() {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGINT);
  sigaddset(&signals, SIGHUP);
  return signals;
}

// Idle clients and processes that do not respond could use up the usual soft
// limit of 1,024.
void RaiseDescriptorLimit() {
  rlimit descriptors{};
  if (getrlimit(RLIMIT_NOFILE, &descriptors) != 0) return;
  descriptors.rlim_cur = descriptors.rlim_max;
  setrlimit(RLIMIT_NOFILE, &descriptors);
}

// The command may leave its folder so that the file system can be unmounted.
// The exporter must not be in it then, unless it needs a relative path later.
void LeaveFolder(const ServeOptions& options) {
  const auto is_relative = [](const std::string& address) {
    return address.starts_with("unix:") && !address.starts_with("unix:/");
  };
  if ((!options.config_file.empty() && options.config_file.front() != '/') ||
      std::any_of(options.listen_addresses.begin(),
                  options.listen_addresses.end(), is_relative)) {
    return;
  }
  static_cast<void>(chdir("/"));
}

// Null without a file. Throws std::runtime_error.
std::unique_ptr<WebConfigReloader> LoadWebConfig(
    const std::string& config_file) {
  if (config_file.empty()) return nullptr;
  auto web_config = std::make_unique<WebConfigReloader>(
      config_file, [](const std::string& error) {
        if (error.empty()) {
          Log(LogLevel::kInfo, "Web configuration reloaded");
        } else {
          Log(LogLevel::kError,
              "Web configuration not reloaded, the last valid one stays in "
              "force",
              {{"err", error}});
        }
      });
  Log(LogLevel::kInfo, "Web configuration read", {{"file", config_file}});
  // As in the exporter toolkit, such a file is valid.
  if (web_config->started_empty()) {
    Log(LogLevel::kWarn,
        "Web configuration is empty: neither TLS nor basic authentication",
        {{"file", config_file}});
  }
  return web_config;
}

HttpServerOptions ServerOptions(const ServeOptions& options,
                                Endpoints& endpoints,
                                const WebConfigReloader* web_config) {
  HttpServerOptions server;
  server.max_requests = options.max_requests;
  if (web_config != nullptr) server.security = web_config->Security();
  server.on_response = [&](std::string_view method, std::string_view path,
                           int status, std::string_view client) {
    endpoints.CountResponse(status);
    Log(LogLevel::kDebug, "Request",
        {{"method", method},
         {"path", path},
         {"status", std::to_string(status)},
         {"client", client}});
  };
  server.on_handshake_failure = [](const std::string& line) {
    Log(LogLevel::kDebug, "HTTP server", {{"err", line}});
  };
  server.on_error = [](const std::string& line) {
    Log(LogLevel::kWarn, "HTTP server", {{"err", line}});
  };
  return server;
}

EndpointOptions EndpointsOf(const ServeOptions& options, Connector* connector) {
  return {.telemetry_path = options.telemetry_path,
          .external_url = options.external_url,
          .route_prefix = options.route_prefix,
          .disable_exporter_metrics = options.disable_exporter_metrics,
          .agent_timeout = options.agent_timeout,
          .process_filter = options.process_filter,
          .connector = connector,
          .collectors = options.collectors,
          .comm_include = options.comm_include,
          .agent_path = FindAgent()};
}

void WarnIfNoProcess(const ServeOptions& options) {
  const std::vector<Process> processes =
      AgentPoller(options.process_filter).Poll(options.agent_timeout);
  if (processes.empty()) {
    Log(LogLevel::kWarn,
        "No process of the command has an agent: it does not use jemalloc (see "
        "--with-jemalloc), hides its symbols, or ignores LD_PRELOAD");
    return;
  }
  if (options.expects_profiles &&
      std::none_of(
          processes.begin(), processes.end(),
          [](const Process& process) { return process.has_profile_socket; })) {
    Log(LogLevel::kWarn,
        "No process of the command has a heap profile: its jemalloc is built "
        "without --enable-prof, or reads another variable than MALLOC_CONF");
  }
}

// Returns the signal that ends the program; 0 if `stop_fd` became readable.
int WaitForEnd(const ServeOptions& options, const sigset_t& signals,
               WebConfigReloader* web_config) {
  const FileDescriptor signal_fd(signalfd(-1, &signals, SFD_CLOEXEC));
  int timeout =
      options.is_exec() ? static_cast<int>(kStartupGrace.count()) : -1;
  while (true) {
    pollfd ready[] = {{signal_fd.get(), POLLIN, 0},
                      {options.stop_fd, POLLIN, 0}};
    const int count = poll(ready, std::size(ready), timeout);
    if (count == 0) {
      WarnIfNoProcess(options);
      timeout = -1;
    }
    if (count <= 0) continue;
    if (ready[1].revents != 0) return 0;
    signalfd_siginfo signal{};
    if (read(signal_fd.get(), &signal, sizeof(signal)) != sizeof(signal)) {
      continue;
    }
    if (signal.ssi_signo != SIGHUP) return static_cast<int>(signal.ssi_signo);
    if (web_config != nullptr) web_config->RequestReload();
  }
}

// A handler may be waiting for a process that does not respond.
void ExitAfterTimeout() {
  std::signal(SIGALRM, [](int) { _exit(0); });
  const itimerval timeout{.it_interval = {}, .it_value = {kShutdownSeconds, 0}};
  setitimer(ITIMER_REAL, &timeout, nullptr);
}

}  // namespace

int RunServe(const ServeOptions& options) {
  const sigset_t signals = HandledSignals();
  // The reader of the log may close its end of the pipe.
  std::signal(SIGPIPE, SIG_IGN);
  // Where the caller ignores it, children have no exit status.
  std::signal(SIGCHLD, SIG_DFL);
  // Threads started later inherit the mask.
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);

  // Before any thread exists.
  const auto connector =
      options.all_namespaces ? StartConnectorOfServer() : nullptr;
  RaiseDescriptorLimit();
  if (options.is_exec()) LeaveFolder(options);
  Endpoints endpoints(EndpointsOf(options, connector.get()));
  const auto web_config = LoadWebConfig(options.config_file);
  HttpServer server(ServerOptions(options, endpoints, web_config.get()));
  endpoints.AddTo(server);

  SocketFiles socket_files;
  std::vector<FileDescriptor> listeners = OpenListeners(options, socket_files);
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

  WarnOfUnusedSystemdSockets(options);
  const int signal = WaitForEnd(options, signals, web_config.get());
  Log(LogLevel::kInfo, "Ending",
      {{"signal", signal == 0 ? "none" : strsignal(signal)}});
  socket_files.Remove();
  endpoints.EndProfiles();
  ExitAfterTimeout();
  return 0;
}

}  // namespace jemalloc_exporter
