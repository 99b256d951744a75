#include "exporter/cli/listeners.h"

#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <stdexcept>
#include <string>
#include <thread>

#include "exporter/cli/log.h"
#include "exporter/http/listen.h"
#include "exporter/http/systemd_sockets.h"

namespace jemalloc_exporter {
namespace {

using Clock = std::chrono::steady_clock;

// The exporter of a preceding `exec` may still be closing its port.
constexpr std::chrono::milliseconds kBusyPortRetry{500};
constexpr std::chrono::milliseconds kBusyPortRetryInterval{20};

FileDescriptor ListenOrThrow(const std::string& address, bool retry) {
  const auto deadline = Clock::now() + kBusyPortRetry;
  std::string error;
  while (true) {
    FileDescriptor listener = Listen(address, &error);
    if (listener) return listener;
    if (!retry || errno != EADDRINUSE || Clock::now() >= deadline) {
      throw std::runtime_error(error);
    }
    std::this_thread::sleep_for(kBusyPortRetryInterval);
  }
}

// The commas that separate addresses also separate the options of
// `unix:PATH,mode=0660,group=NAME`.
std::vector<std::string> JoinSocketOptions(
    const std::vector<std::string>& parts) {
  std::vector<std::string> addresses;
  for (const std::string& part : parts) {
    const bool is_option =
        part.starts_with("mode=") || part.starts_with("group=");
    if (is_option && !addresses.empty() &&
        addresses.back().starts_with("unix:")) {
      addresses.back() += "," + part;
    } else {
      addresses.push_back(part);
    }
  }
  return addresses;
}

}  // namespace

std::vector<FileDescriptor> OpenListeners(const ServeOptions& options,
                                          SocketFiles& files) {
  if (options.systemd_socket) return TakeSystemdSockets();
  std::vector<FileDescriptor> listeners;
  for (const auto& address : JoinSocketOptions(options.listen_addresses)) {
    listeners.push_back(ListenOrThrow(address, options.is_exec()));
    files.Add(listeners.back());
  }
  return listeners;
}

void WarnOfUnusedSystemdSockets(const ServeOptions& options) {
  const char* const pid = std::getenv("LISTEN_PID");
  if (options.systemd_socket || options.is_exec() || pid == nullptr ||
      pid != std::to_string(getpid())) {
    return;
  }
  Log(LogLevel::kWarn,
      "Sockets from systemd are not used; pass --web.systemd-socket to listen "
      "on them");
}

}  // namespace jemalloc_exporter
