#ifndef JEMALLOC_EXPORTER_EXPORTER_WEB_TRANSPORT_H_
#define JEMALLOC_EXPORTER_EXPORTER_WEB_TRANSPORT_H_

#include <cstddef>
#include <memory>
#include <string_view>

#include "web/file_descriptor.h"

namespace jemalloc_exporter {

/// What became of bytes that were to travel.
enum class Travel {
  kSome,            ///< Some of them did.
  kWaitsToReceive,  ///< None before more has come,
  kWaitsToSend,     ///< or before what is on the way has left.
  kEnded,           ///< None, ever: the other side or the network is gone.
};

/// How bytes travel on one connection. Never waits, and never throws.
class Transport {
 public:
  virtual ~Transport() = default;

  /// Of `kSome` says in `*count` how many.
  virtual Travel Receive(char* to, std::size_t size, std::size_t* count) = 0;
  virtual Travel Send(std::string_view from, std::size_t* count) = 0;

  /// Tells the other side that this one sends no more.
  virtual void EndSending() = 0;
};

/// Bytes as they are, on a socket that does not block.
std::unique_ptr<Transport> PlainTransport(FileDescriptor socket);

}  // namespace jemalloc_exporter

#endif  // JEMALLOC_EXPORTER_EXPORTER_WEB_TRANSPORT_H_
