#ifndef JEMALLOC_EXPORTER_EXPORTER_HTTP_STREAM_H_
#define JEMALLOC_EXPORTER_EXPORTER_HTTP_STREAM_H_

#include <cstddef>
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
/// owns. This one is without TLS. Never blocks; throws std::bad_alloc only. For
/// one thread.
class Stream {
 public:
  explicit Stream(int socket) : socket_(socket) {}
  virtual ~Stream() = default;
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;

  /// Continues the handshake. To be called until it returns `kProgress`.
  /// `kClosed` sets `*error` to the reason on one line, empty where the peer
  /// closed the connection.
  virtual IoResult Handshake(std::string* error);

  /// At most `size` bytes; sets `*count`, at least 1, with `kProgress` only.
  virtual IoResult Read(char* to, std::size_t size, std::size_t* count);
  virtual IoResult Write(std::string_view from, std::size_t* count);

  /// Signals the end of the data to the peer.
  virtual void ShutdownWrite();

 private:
  const int socket_;
};

}  // namespace jemalloc_exporter

#endif  // JEMALLOC_EXPORTER_EXPORTER_HTTP_STREAM_H_
