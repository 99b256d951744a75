#ifndef JEMALLOC_EXPORTER_EXPORTER_HTTP_UNIX_SOCKET_H_
#define JEMALLOC_EXPORTER_EXPORTER_HTTP_UNIX_SOCKET_H_

#include <string>

#include "exporter/http/file_descriptor.h"

namespace jemalloc_exporter {

/// Opens a Unix socket that listens at `path`, where the umask says who may
/// connect. What an earlier process left there is replaced, one that somebody
/// listens on is not. On failure returns none, and `reason` says why.
FileDescriptor ListenOnUnixSocket(const std::string& path, std::string* reason);

/// The path at which a socket listens; empty if it is no Unix socket.
std::string UnixSocketPath(const FileDescriptor& socket);

}  // namespace jemalloc_exporter

#endif  // JEMALLOC_EXPORTER_EXPORTER_HTTP_UNIX_SOCKET_H_
