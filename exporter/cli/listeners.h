#ifndef JEMALLOC_EXPORTER_EXPORTER_CLI_LISTENERS_H_
#define JEMALLOC_EXPORTER_EXPORTER_CLI_LISTENERS_H_

#include <vector>

#include "exporter/cli/serve_options.h"
#include "exporter/http/file_descriptor.h"
#include "exporter/http/unix_socket.h"

namespace jemalloc_exporter {

/// Removes the files of Unix sockets when serving ends or fails to start.
class SocketFiles {
 public:
  SocketFiles() = default;
  ~SocketFiles() { Remove(); }
  SocketFiles(const SocketFiles&) = delete;
  SocketFiles& operator=(const SocketFiles&) = delete;

  void Add(const FileDescriptor& listener) {
    if (const auto file = UnixSocketFile::Of(listener)) files_.push_back(*file);
  }
  void Remove() {
    for (const UnixSocketFile& file : files_) file.Remove();
    files_.clear();
  }

 private:
  std::vector<UnixSocketFile> files_;
};

/// The sockets to accept connections on: of the addresses, or those of systemd.
/// Throws std::runtime_error, with one line, where one cannot be opened.
std::vector<FileDescriptor> OpenListeners(const ServeOptions& options,
                                          SocketFiles& files);

/// Logs a warning where the unit has sockets, but the option that uses them is
/// missing.
void WarnOfUnusedSystemdSockets(const ServeOptions& options);

}  // namespace jemalloc_exporter

#endif  // JEMALLOC_EXPORTER_EXPORTER_CLI_LISTENERS_H_
