#include "exporter/cli/serve.h"

#include <sys/resource.h>
#include <sys/time.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <cstring>
#include <ctime>
#include <stdexcept>
#include <string>
#include <utility>

#include "build_info.h"
#include "exporter/cli/log.h"
#include "exporter/endpoints/pages.h"
#include "exporter/http/listen.h"
#include "exporter/http/server.h"
#include "exporter/http/systemd_sockets.h"
#include "exporter/http_config/web_config_reloader.h"

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

// TLS and passwords, as the web configuration has them from time to time.
ServerSecurity OpenDoorOf(const std::string& config_file) {
  if (config_file.empty()) return {};
  ServerSecurity door =
      OpenDoor(config_file,
               {.on_reload =
                    [](const std::string& problem) {
                      if (problem.empty()) {
                        Log(LogLevel::kInfo, "Web configuration reloaded");
                      } else {
                        Log(LogLevel::kError,
                            "Web configuration not reloaded, the old one holds",
                            {{"err", problem}});
                      }
                    },
                .on_stranger =
                    [](const std::string& line) {
                      Log(LogLevel::kDebug, "HTTP server", {{"err", line}});
                    }});
  Log(LogLevel::kInfo, "Web configuration read", {{"file", config_file}});
  return door;
}

HttpServerOptions ServerOptions(const ServeOptions& options, Pages& pages) {
  HttpServerOptions server;
  server.max_requests = options.max_requests;
  server.security = OpenDoorOf(options.config_file);
  server.on_response = [&](std::string_view, std::string_view, int status) {
    pages.CountRequest(status);
  };
  server.on_error = [](const std::string& line) {
    Log(LogLevel::kWarn, "HTTP server", {{"err", line}});
  };
  return server;
}

Response PlainPage(std::string text) {
  return {.content_type = "text/plain; charset=utf-8", .body = std::move(text)};
}

void AddPages(HttpServer& server, Pages& pages,
              const std::string& telemetry_path) {
  server.AddStaticResponse("/-/healthy", PlainPage("Healthy\n"));
  server.AddStaticResponse("/-/ready", PlainPage("Ready\n"));
  server.AddHandler(
      "/", [&](const Request& request) { return pages.Landing(request); });
  // Last, so that it may take the place of the landing page.
  server.AddHandler(telemetry_path, [&](const Request& request) {
    return pages.Metrics(request);
  });
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
  Pages pages(options);
  HttpServer server(ServerOptions(options, pages));
  AddPages(server, pages, options.telemetry_path);

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
