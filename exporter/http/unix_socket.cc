#include "exporter/http/unix_socket.h"

#include <sys/socket.h>
#include <sys/un.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <system_error>

namespace jemalloc_exporter {
namespace {

FileDescriptor NewSocket() {
  return FileDescriptor(
      socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
}

// A socket refuses connections when its process is gone. What is no socket does
// so as well, and is nobody's to remove.
bool IsLeftOver(const sockaddr_un& address) {
  const FileDescriptor client = NewSocket();
  return connect(client.get(), reinterpret_cast<const sockaddr*>(&address),
                 sizeof(address)) != 0 &&
         errno == ECONNREFUSED && std::filesystem::is_socket(address.sun_path);
}

bool Bind(const FileDescriptor& listener, const sockaddr_un& address) {
  return bind(listener.get(), reinterpret_cast<const sockaddr*>(&address),
              sizeof(address)) == 0;
}

}  // namespace

FileDescriptor ListenOnUnixSocket(const std::string& path,
                                  std::string* reason) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.empty() || path.size() >= sizeof(address.sun_path)) {
    *reason = "the path must have 1 to " +
              std::to_string(sizeof(address.sun_path) - 1) + " bytes";
    return FileDescriptor();
  }
  std::copy(path.begin(), path.end(), address.sun_path);

  FileDescriptor listener = NewSocket();
  bool bound = listener && Bind(listener, address);
  if (!bound && errno == EADDRINUSE) {
    if (IsLeftOver(address)) {
      unlink(address.sun_path);
      bound = Bind(listener, address);
    } else {
      errno = EADDRINUSE;
    }
  }
  if (bound && listen(listener.get(), SOMAXCONN) == 0) return listener;
  *reason = std::generic_category().message(errno);
  return FileDescriptor();
}

std::string UnixSocketPath(const FileDescriptor& socket) {
  sockaddr_un address{};
  // A path that fills all of it has no NUL at its end.
  socklen_t size = sizeof(address) - 1;
  auto* const any = reinterpret_cast<sockaddr*>(&address);
  if (getsockname(socket.get(), any, &size) != 0 ||
      address.sun_family != AF_UNIX) {
    return {};
  }
  return address.sun_path;
}

}  // namespace jemalloc_exporter
