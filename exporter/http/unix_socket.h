#ifndef JEMALLOC_EXPORTER_EXPORTER_HTTP_UNIX_SOCKET_H_
#define JEMALLOC_EXPORTER_EXPORTER_HTTP_UNIX_SOCKET_H_

#include <sys/types.h>

#include <optional>
#include <string>

#include "exporter/http/file_descriptor.h"

namespace jemalloc_exporter {

/// Opens a listening Unix socket at `address`: a path, and optionally the mode
/// (octal) and the group of its file, `/run/x.sock,mode=0660,group=prometheus`.
/// Without a mode the umask applies. The file gets both before the first
/// connection is possible. A socket file that a former process left is
/// replaced, one in use is not. Abstract addresses (`@name`) are rejected: any
/// local user can connect to them. On failure returns none, and `*reason` is
/// set.
FileDescriptor ListenOnUnixSocket(const std::string& address,
                                  std::string* reason);

/// The path at which a socket listens; empty if it is not a Unix socket.
std::string UnixSocketPath(const FileDescriptor& socket);

/// The file of a listening Unix socket.
class UnixSocketFile {
 public:
  /// None if `listener` is not a Unix socket. To be called right after
  /// `ListenOnUnixSocket`.
  static std::optional<UnixSocketFile> Of(const FileDescriptor& listener);

  /// Removes it from its folder, unless another process has replaced it.
  void Remove() const;

 private:
  std::string path_;
  dev_t device_ = 0;
  ino_t inode_ = 0;
};

}  // namespace jemalloc_exporter

#endif  // JEMALLOC_EXPORTER_EXPORTER_HTTP_UNIX_SOCKET_H_
