#ifndef JEMALLOC_EXPORTER_EXPORTER_HTTP_TLS_STREAM_H_
#define JEMALLOC_EXPORTER_EXPORTER_HTTP_TLS_STREAM_H_

#include <memory>

#include "exporter/http/stream.h"

struct ssl_st;

namespace jemalloc_exporter {

/// The server's side of a TLS connection. Takes ownership of `session`, which
/// SSL_new() has returned and no socket is assigned to. `context` lives as long
/// as the stream. Part of the exporter, not of the server library. OpenSSL
/// writes with write(2): the process must ignore SIGPIPE. Throws
/// std::bad_alloc.
std::unique_ptr<Stream> NewTlsStream(ssl_st* session, int socket,
                                     std::shared_ptr<const void> context);

}  // namespace jemalloc_exporter

#endif  // JEMALLOC_EXPORTER_EXPORTER_HTTP_TLS_STREAM_H_
