#ifndef JEMALLOC_EXPORTER_EXPORTER_HTTP_STREAM_H_
#define JEMALLOC_EXPORTER_EXPORTER_HTTP_STREAM_H_

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

namespace jemalloc_exporter {

/// The result of a non-blocking operation.
enum class IoResult {
  kProgress,   ///< Done, or done in part.
  kWantRead,   ///< Would block; retry when the socket is readable.
  kWantWrite,  ///< Would block; retry when the socket is writable.
  kClosed,     ///< The connection has ended or failed.
};

/// The bytes of one connection, on a non-blocking socket that another object
/// owns. Never blocks; throws std::bad_alloc only. For one thread.
class Stream {
 public:
  virtual ~Stream() = default;

  /// Continues the handshake. To be called until it returns `kProgress`.
  /// `kClosed` sets `*error` to the reason on one line, empty where the peer
  /// closed the connection.
  virtual IoResult Handshake(std::string* error) = 0;

  /// At most `size` bytes; sets `*count`, at least 1, with `kProgress` only.
  virtual IoResult Read(char* to, std::size_t size, std::size_t* count) = 0;
  virtual IoResult Write(std::string_view from, std::size_t* count) = 0;

  /// Signals the end of the data to the peer.
  virtual void ShutdownWrite() = 0;
};

/// TCP and Unix sockets without TLS.
std::unique_ptr<Stream> NewPlainStream(int socket);

}  // namespace jemalloc_exporter

#endif  // JEMALLOC_EXPORTER_EXPORTER_HTTP_STREAM_H_
