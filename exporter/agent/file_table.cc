#include "exporter/agent/file_table.h"

#include <dirent.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <sched.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <cstring>

#include "exporter/agent/system_call.h"

namespace jemalloc_exporter {
namespace {

// What getdents64(2) writes.
struct Entry {
  ino64_t inode;
  off64_t offset;
  std::uint16_t size;
  unsigned char type;
  char name[256];  // Ends with NUL, and the entry with it.
};

// Closes the descriptors that a part of `folder`'s listing names, but `folder`.
// Returns how many, or -1 on an error.
int CloseSome(int folder) {
  alignas(Entry) char buffer[4096] = {};
  const ssize_t bytes =
      SystemCall(SYS_getdents64, folder, buffer, sizeof(buffer));
  if (bytes < 0) return -1;
  int closed = 0;
  for (ssize_t at = 0; at < bytes;) {
    const auto* const entry = reinterpret_cast<const Entry*>(buffer + at);
    at += entry->size;
    int descriptor = -1;
    std::from_chars(entry->name, entry->name + std::strlen(entry->name),
                    descriptor);
    if (descriptor < 0 || descriptor == folder) continue;
    SystemCall(SYS_close, descriptor);
    ++closed;
  }
  return closed;
}

// The listing is read from its start until only `folder` is left: closing moves
// what follows.
bool CloseAll() {
  const int folder = OpenFile("/proc/thread-self/fd", O_DIRECTORY);
  if (folder < 0) return false;
  int closed = 0;
  do {
    SystemCall(SYS_lseek, folder, 0, SEEK_SET);
    closed = CloseSome(folder);
  } while (closed > 0);
  SystemCall(SYS_close, folder);
  return closed == 0;
}

}  // namespace

// Container runtimes refuse a system call that they do not know with EPERM.
bool UnshareFileDescriptors() {
  if (SystemCall(SYS_close_range, 0U, ~0U, CLOSE_RANGE_UNSHARE) == 0)
    return true;
  const bool is_missing = errno == ENOSYS || errno == EPERM;
  return is_missing && SystemCall(SYS_unshare, CLONE_FILES) == 0 && CloseAll();
}

void UnshareFilesystemContext() {
  if (SystemCall(SYS_unshare, CLONE_FS) == 0) SystemCall(SYS_chdir, "/");
}

}  // namespace jemalloc_exporter
