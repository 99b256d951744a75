#include "exporter/profile/mapped_file.h"

#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <charconv>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

#include "exporter/process/proc_stat.h"

namespace jemalloc_exporter {
namespace {

constexpr off_t kMaxFileBytes = off_t{4} << 30;

FileDescriptor Open(const char* path, int flags) {
  return FileDescriptor(open(path, flags | O_CLOEXEC));
}

// Without access to the file itself: opening a device can act on it.
FileDescriptor OpenPathIn(const FileDescriptor& root, const std::string& path) {
  open_how how = {};
  how.flags = O_PATH | O_CLOEXEC;
  how.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS;
  return FileDescriptor(static_cast<int>(
      syscall(SYS_openat2, root.get(), path.c_str(), &how, sizeof(how))));
}

// "fd:01", of hexadecimal numbers.
bool IsDevice(std::string_view text, dev_t device) {
  unsigned major_number = 0;
  unsigned minor_number = 0;
  const char* const end = text.data() + text.size();
  const char* const colon =
      std::from_chars(text.data(), end, major_number, 16).ptr;
  if (colon == end || *colon != ':') return false;
  std::from_chars(colon + 1, end, minor_number, 16);
  return device == makedev(major_number, minor_number);
}

bool IsOlderThanProcess(const struct stat& file, pid_t pid) {
  const auto process = ReadProcStat(pid);
  return process && static_cast<double>(file.st_ctim.tv_sec) + 1 <
                        process->start_time_seconds;
}

// The same path can be of another file outside the root of the process.
bool IsMapped(const struct stat& file, pid_t pid, const Mapping& mapping,
              bool is_own_root) {
  const bool is_inode = file.st_ino == mapping.inode;
  return (is_inode && IsDevice(mapping.device, file.st_dev)) ||
         ((is_inode || !is_own_root) && IsOlderThanProcess(file, pid));
}

// The mapped file in a root folder, by its path alone.
FileDescriptor FindIn(const FileDescriptor& root, pid_t pid,
                      const Mapping& mapping, bool is_own_root) {
  FileDescriptor path = OpenPathIn(root, mapping.path);
  struct stat status = {};
  const bool is_found = path && fstat(path.get(), &status) == 0 &&
                        S_ISREG(status.st_mode) &&
                        status.st_size <= kMaxFileBytes &&
                        IsMapped(status, pid, mapping, is_own_root);
  return is_found ? std::move(path) : FileDescriptor();
}

}  // namespace

FileDescriptor OpenMappedFile(pid_t pid, const Mapping& mapping) {
  if (mapping.inode == 0 || !mapping.path.starts_with('/') ||
      mapping.path.ends_with(" (deleted)")) {
    return FileDescriptor();
  }
  const std::string process_root = "/proc/" + std::to_string(pid) + "/root";
  FileDescriptor path =
      FindIn(Open(process_root.c_str(), O_PATH | O_DIRECTORY), pid, mapping,
             /*is_own_root=*/false);
  if (!path) {
    path = FindIn(Open("/", O_PATH | O_DIRECTORY), pid, mapping,
                  /*is_own_root=*/true);
  }
  if (!path) return FileDescriptor();
  const std::string link = "/proc/self/fd/" + std::to_string(path.get());
  return Open(link.c_str(), O_RDONLY | O_NONBLOCK | O_NOCTTY);
}

}  // namespace jemalloc_exporter
