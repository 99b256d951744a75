#include "exporter/connector/namespace_scan.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <iterator>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <system_error>

#include "exporter/process/process_tree.h"

namespace jemalloc_exporter {
namespace {

std::string PathOf(pid_t pid, const char* file) {
  return "/proc/" + std::to_string(pid) + file;
}

// "net:[4026531833]".
NetworkNamespace ParseLink(std::string_view link) {
  constexpr std::string_view kPrefix = "net:[";
  NetworkNamespace number = 0;
  if (link.starts_with(kPrefix)) {
    std::from_chars(link.data() + kPrefix.size(), link.data() + link.size(),
                    number);
  }
  return number;
}

// 0 with errno when the link cannot be read.
NetworkNamespace ReadLink(const char* path) {
  char link[64];
  errno = 0;
  const ssize_t size = readlinkat(AT_FDCWD, path, link, sizeof(link));
  return size > 0 ? ParseLink({link, static_cast<std::size_t>(size)}) : 0;
}

// Differs between two network namespaces, but is not the number of `ns/net`.
std::optional<ino_t> TableNumber(pid_t pid) {
  struct stat status = {};
  if (stat(PathOf(pid, "/net/unix").c_str(), &status) != 0) {
    return std::nullopt;
  }
  return status.st_ino;
}

}  // namespace

NamespaceScan::NamespaceScan() : own_(ReadLink("/proc/self/ns/net")) {}

void NamespaceScan::Update() {
  members_.clear();
  std::set<ino_t> denied;
  for (const pid_t pid : ListPids()) {
    const NetworkNamespace found = ReadLink(PathOf(pid, "/ns/net").c_str());
    if (found != 0) {
      Members& members = members_[found];
      if (members.first == 0) members.first = pid;
      members.last = pid;
    } else if (errno == EACCES || errno == EPERM) {
      if (const auto table = TableNumber(pid)) denied.insert(*table);
    }
  }
  if (!denied.empty()) {
    if (const auto table = TableNumber(getpid())) denied.erase(*table);
    for (const auto& [number, members] : members_) {
      if (const auto table = TableNumber(members.first)) denied.erase(*table);
    }
  }
  denied_ = denied.size();
}

std::vector<NetworkNamespace> NamespaceScan::Others() const {
  std::vector<NetworkNamespace> others;
  for (const auto& [number, members] : members_) {
    if (number != own_) others.push_back(number);
  }
  return others;
}

// The process may have ended, and its pid may be another's: the namespace is
// compared after the table is open.
FileDescriptor NamespaceScan::OpenTable(
    NetworkNamespace network_namespace) const {
  const auto found = members_.find(network_namespace);
  if (found == members_.end()) return FileDescriptor();
  for (const pid_t pid : {found->second.last, found->second.first}) {
    FileDescriptor table(
        open(PathOf(pid, "/net/unix").c_str(), O_RDONLY | O_CLOEXEC));
    if (table &&
        ReadLink(PathOf(pid, "/ns/net").c_str()) == network_namespace) {
      return table;
    }
  }
  return FileDescriptor();
}

FileDescriptor NamespaceScan::Open(NetworkNamespace network_namespace,
                                   bool can_update) {
  FileDescriptor entry = OpenKnown(network_namespace);
  if (entry || errno != ESRCH || !can_update) return entry;
  Update();
  return OpenKnown(network_namespace);
}

FileDescriptor NamespaceScan::OpenKnown(
    NetworkNamespace network_namespace) const {
  const auto found = members_.find(network_namespace);
  int error = ESRCH;
  if (found != members_.end()) {
    for (const pid_t pid : {found->second.last, found->second.first}) {
      FileDescriptor entry(
          open(PathOf(pid, "/ns/net").c_str(), O_RDONLY | O_CLOEXEC));
      struct stat status = {};
      if (entry && fstat(entry.get(), &status) == 0 &&
          status.st_ino == network_namespace) {
        return entry;
      }
      if (!entry && errno != ENOENT) error = errno;
    }
  }
  errno = error;
  return FileDescriptor();
}

}  // namespace jemalloc_exporter
