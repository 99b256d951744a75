#ifndef JEMALLOC_EXPORTER_EXPORTER_HTTP_LISTEN_H_
#define JEMALLOC_EXPORTER_EXPORTER_HTTP_LISTEN_H_

#include <sys/socket.h>

#include <string>

#include "exporter/http/file_descriptor.h"

namespace jemalloc_exporter {

/// Opens a socket that listens on `address`:
///
///     127.0.0.1:9464   one address, or the first one that a name resolves to
///     [::1]:9464       an IPv6 address; `[::]` accepts IPv4, too
///     :9464            every address of this machine, IPv6 (where there is
///                      any) and IPv4
///     unix:/run/x.sock a Unix socket, optionally with `,mode=0660` and
///                      `,group=NAME`: see `ListenOnUnixSocket`
///
/// Port 0 is any free port: see `ListeningPort`.
///
/// On failure returns an invalid descriptor, and `*error` is one line with the
/// operation, the address and the reason.
FileDescriptor Listen(const std::string& address, std::string* error);

/// The port that a TCP socket is bound to; 0 for any other descriptor.
int ListeningPort(const FileDescriptor& socket);

/// Where a socket listens, in the form that `Listen` takes: `127.0.0.1:9464`,
/// `[::]:9464`, `unix:/run/x.sock`.
std::string ListeningAddress(const FileDescriptor& socket);

/// `127.0.0.1:9464` or `[::1]:9464`; `?` for other families.
std::string AddressText(const sockaddr_storage& address);

}  // namespace jemalloc_exporter

#endif  // JEMALLOC_EXPORTER_EXPORTER_HTTP_LISTEN_H_
