#ifndef JEMALLOC_EXPORTER_EXPORTER_HTTP_SYSTEMD_SOCKETS_H_
#define JEMALLOC_EXPORTER_EXPORTER_HTTP_SYSTEMD_SOCKETS_H_

#include <vector>

#include "exporter/http/file_descriptor.h"

namespace jemalloc_exporter {

/// The sockets that systemd hands over to this process, by the protocol of
/// sd_listen_fds(3): ready for `HttpServer`, and kept from programs that this
/// one starts. To be called once, before there are threads. Throws
/// std::runtime_error, with one line, if there are none or one does not listen.
///
/// Not by libsystemd, which brings four more libraries for these few lines.
std::vector<FileDescriptor> TakeSystemdSockets();

}  // namespace jemalloc_exporter

#endif  // JEMALLOC_EXPORTER_EXPORTER_HTTP_SYSTEMD_SOCKETS_H_
