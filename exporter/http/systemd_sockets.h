#ifndef JEMALLOC_EXPORTER_EXPORTER_HTTP_SYSTEMD_SOCKETS_H_
#define JEMALLOC_EXPORTER_EXPORTER_HTTP_SYSTEMD_SOCKETS_H_

#include <vector>

#include "exporter/http/file_descriptor.h"

namespace jemalloc_exporter {

/// The sockets that systemd passes to this process by the protocol of
/// sd_listen_fds(3), with FD_CLOEXEC and O_NONBLOCK set. Unsets the variables
/// of the protocol. To be called once, before threads are started. Throws
/// std::runtime_error, with one line, if no sockets are passed or one does not
/// listen.
///
/// Does not use libsystemd, which has four further dependencies.
std::vector<FileDescriptor> TakeSystemdSockets();

}  // namespace jemalloc_exporter

#endif  // JEMALLOC_EXPORTER_EXPORTER_HTTP_SYSTEMD_SOCKETS_H_
