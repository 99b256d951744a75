#include "exporter/http/unix_socket.h"

#include <grp.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <filesystem>
#include <system_error>

namespace jemalloc_exporter {
namespace {

FileDescriptor NewSocket() {
  return FileDescriptor(
      socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
}

// A socket refuses connections when its process is gone. A file that is not a
// socket does so as well, and is kept.
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

struct UnixAddress {
  std::string path;
  std::optional<mode_t> mode;
  std::optional<gid_t> group;
};

// Cuts off the value of the last option NAME.
std::optional<std::string> TakeOption(std::string& address,
                                      const std::string& name) {
  const auto option = address.rfind("," + name + "=");
  if (option == std::string::npos) return std::nullopt;
  const std::string value = address.substr(option + name.size() + 2);
  if (value.find_first_of(",/") != std::string::npos) return std::nullopt;
  address.erase(option);
  return value;
}

std::optional<gid_t> FindGroup(const std::string& name) {
  std::array<char, 65'536> buffer;
  group entry{};
  group* found = nullptr;
  getgrnam_r(name.c_str(), &entry, buffer.data(), buffer.size(), &found);
  if (found == nullptr) return std::nullopt;
  return found->gr_gid;
}

// Leaves why `address` is invalid in `reason`; empty if it is valid.
UnixAddress Parse(std::string address, std::string& reason) {
  UnixAddress result;
  // In either order.
  auto group = TakeOption(address, "group");
  const auto mode = TakeOption(address, "mode");
  if (!group) group = TakeOption(address, "group");
  result.path = address;
  if (mode) {
    mode_t value = 0;
    const char* const end = mode->data() + mode->size();
    const auto [rest, error] = std::from_chars(mode->data(), end, value, 8);
    if (error != std::errc() || rest != end || value > 0777) {
      reason = "the mode must be an octal number up to 0777";
    }
    result.mode = value;
  }
  if (group) {
    result.group = FindGroup(*group);
    if (!result.group) reason = "no group '" + *group + "'";
  }
  if (address.starts_with('@')) {
    reason = "abstract addresses have no access control; use a path";
  }
  constexpr std::size_t kMaxPath = sizeof(sockaddr_un::sun_path) - 1;
  if (address.empty() || address.size() > kMaxPath) {
    reason = "the path must have 1 to " + std::to_string(kMaxPath) + " bytes";
  }
  return result;
}

bool SetAccess(const UnixAddress& address) {
  const char* const path = address.path.c_str();
  return (!address.group ||
          lchown(path, static_cast<uid_t>(-1), *address.group) == 0) &&
         (!address.mode || chmod(path, *address.mode) == 0);
}

}  // namespace

FileDescriptor ListenOnUnixSocket(const std::string& address,
                                  std::string* reason) {
  reason->clear();
  const UnixAddress parsed = Parse(address, *reason);
  if (!reason->empty()) return FileDescriptor();
  sockaddr_un file{};
  file.sun_family = AF_UNIX;
  std::copy(parsed.path.begin(), parsed.path.end(), file.sun_path);

  FileDescriptor listener = NewSocket();
  bool bound = listener && Bind(listener, file);
  if (!bound && errno == EADDRINUSE) {
    if (IsLeftOver(file)) {
      unlink(file.sun_path);
      bound = Bind(listener, file);
    } else {
      errno = EADDRINUSE;
    }
  }
  if (bound && SetAccess(parsed) && listen(listener.get(), SOMAXCONN) == 0) {
    return listener;
  }
  *reason = std::generic_category().message(errno);
  if (bound) unlink(file.sun_path);
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

std::optional<UnixSocketFile> UnixSocketFile::Of(
    const FileDescriptor& listener) {
  UnixSocketFile file;
  file.path_ = UnixSocketPath(listener);
  struct stat status {};
  if (file.path_.empty() || lstat(file.path_.c_str(), &status) != 0) {
    return std::nullopt;
  }
  file.device_ = status.st_dev;
  file.inode_ = status.st_ino;
  return file;
}

void UnixSocketFile::Remove() const {
  struct stat status {};
  if (lstat(path_.c_str(), &status) == 0 && status.st_dev == device_ &&
      status.st_ino == inode_) {
    unlink(path_.c_str());
  }
}

}  // namespace jemalloc_exporter
