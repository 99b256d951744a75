#ifndef JEMALLOC_EXPORTER_EXPORTER_HTTP_TLS_STREAM_H_
#define JEMALLOC_EXPORTER_EXPORTER_HTTP_TLS_STREAM_H_

#include <openssl/ssl.h>

#include <memory>

#include "exporter/http/stream.h"

namespace jemalloc_exporter {

/// Frees an object of OpenSSL by a function such as SSL_free.
template <auto Free>
struct OpensslFree {
  template <typename T>
  void operator()(T* object) const {
    Free(object);
  }
};
using SslPtr = std::unique_ptr<SSL, OpensslFree<SSL_free>>;

/// The server's side of a TLS connection, by a session of
/// `TlsServerContext::NewSession`. `context` lives as long as the stream. Part
/// of the exporter, not of the server library. OpenSSL writes with write(2):
/// the process must ignore SIGPIPE. Throws std::bad_alloc.
std::unique_ptr<Stream> NewTlsStream(SslPtr session, int socket,
                                     std::shared_ptr<const void> context);

}  // namespace jemalloc_exporter

#endif  // JEMALLOC_EXPORTER_EXPORTER_HTTP_TLS_STREAM_H_
