#ifndef JEMALLOC_EXPORTER_EXPORTER_AGENT_HOST_STATUS_H_
#define JEMALLOC_EXPORTER_EXPORTER_AGENT_HOST_STATUS_H_

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "exporter/agent/protocol.h"

namespace jemalloc_exporter {

/// The lines of `/proc/PID/status` that the agent uses. Each is of one thread:
/// of the main thread for `/proc/self/status`.
struct HostStatus {
  static constexpr int kUnknown = -1;

  std::string_view name() const { return {name_bytes, name_size}; }

  char name_bytes[kMaxCommSize] = {};  // Any bytes, as the kernel has them.
  std::size_t name_size = 0;
  bool is_zombie = false;
  int threads = kUnknown;  // In the process, a zombie main thread included.
  uid_t uids[3] = {};      // Real, effective, saved.
  gid_t gids[3] = {};      // Real, effective, saved.
  std::uint64_t permitted = 0;     // A bit for each capability.
  int seccomp_filters = kUnknown;  // Before Linux 5.9 only 0 is known.
};

/// Parses the text of a status file; absent lines leave their defaults.
HostStatus ParseHostStatus(std::string_view text);

/// Reads `file`, an open status file, from its current offset.
///
/// The only system call is read(2): a seccomp filter that the host installs for
/// all of its threads may kill for any other. A following read needs
/// `lseek(file, 0, SEEK_SET)` first. Lines beyond 16 KiB are not read.
HostStatus ReadHostStatus(int file);

}  // namespace jemalloc_exporter

#endif  // JEMALLOC_EXPORTER_EXPORTER_AGENT_HOST_STATUS_H_
