#include "exporter/http/systemd_sockets.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <charconv>
#include <cstdlib>
#include <stdexcept>
#include <string>
#include <string_view>

namespace jemalloc_exporter {
namespace {

constexpr int kFirst = 3;  // SD_LISTEN_FDS_START.

// Returns a number of the environment and unsets it; 0 if it is not set.
int TakeNumber(const char* name) {
  const char* const value = std::getenv(name);
  const std::string_view text = value == nullptr ? "" : value;
  int number = 0;
  std::from_chars(text.data(), text.data() + text.size(), number);
  unsetenv(name);
  return number;
}

bool Listens(int descriptor) {
  int listens = 0;
  int type = 0;
  socklen_t size = sizeof(int);
  return getsockopt(descriptor, SOL_SOCKET, SO_ACCEPTCONN, &listens, &size) ==
             0 &&
         getsockopt(descriptor, SOL_SOCKET, SO_TYPE, &type, &size) == 0 &&
         listens != 0 && type == SOCK_STREAM;
}

}  // namespace

std::vector<FileDescriptor> TakeSystemdSockets() {
  const int pid = TakeNumber("LISTEN_PID");
  const int count = TakeNumber("LISTEN_FDS");
  unsetenv("LISTEN_FDNAMES");
  if (pid != getpid() || count <= 0) {
    throw std::runtime_error("systemd hands over no sockets");
  }
  std::vector<FileDescriptor> sockets;
  for (int descriptor = kFirst; descriptor < kFirst + count; ++descriptor) {
    if (!Listens(descriptor)) {
      throw std::runtime_error("descriptor " + std::to_string(descriptor) +
                               " of systemd is no stream socket that listens");
    }
    fcntl(descriptor, F_SETFD, FD_CLOEXEC);
    fcntl(descriptor, F_SETFL, fcntl(descriptor, F_GETFL) | O_NONBLOCK);
    sockets.emplace_back(descriptor);
  }
  return sockets;
}

}  // namespace jemalloc_exporter
