#ifndef JEMALLOC_EXPORTER_EXPORTER_HTTP_CONFIG_TLS_TRANSPORT_H_
#define JEMALLOC_EXPORTER_EXPORTER_HTTP_CONFIG_TLS_TRANSPORT_H_

#include <functional>
#include <memory>
#include <string>

#include "exporter/http_config/tls_context.h"
#include "web/file_descriptor.h"
#include "web/transport.h"

namespace jemalloc_exporter {

/// The server's side of a TLS session on a non-blocking socket. The handshake
/// is part of receiving; `on_failure` is called with one line if it fails.
/// SIGPIPE must be ignored. Throws std::bad_alloc.
std::unique_ptr<Transport> TlsTransport(
    std::shared_ptr<const TlsContext> context, FileDescriptor socket,
    std::function<void(const std::string& line)> on_failure);

}  // namespace jemalloc_exporter

#endif  // JEMALLOC_EXPORTER_EXPORTER_HTTP_CONFIG_TLS_TRANSPORT_H_
