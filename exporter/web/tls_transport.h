#ifndef JEMALLOC_EXPORTER_EXPORTER_WEB_TLS_TRANSPORT_H_
#define JEMALLOC_EXPORTER_EXPORTER_WEB_TLS_TRANSPORT_H_

#include <functional>
#include <memory>
#include <string>

#include "web/file_descriptor.h"
#include "web/tls.h"
#include "web/transport.h"

namespace jemalloc_exporter {

/// Bytes in a TLS session, as its server, on a socket that does not block. The
/// handshake is part of receiving; `on_failure` is told, in one line, why there
/// is no session.
std::unique_ptr<Transport> TlsTransport(
    std::shared_ptr<const Tls> tls, FileDescriptor socket,
    std::function<void(const std::string& line)> on_failure);

}  // namespace jemalloc_exporter

#endif  // JEMALLOC_EXPORTER_EXPORTER_WEB_TLS_TRANSPORT_H_
