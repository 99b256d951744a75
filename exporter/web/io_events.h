#ifndef JEMALLOC_EXPORTER_EXPORTER_WEB_IO_EVENTS_H_
#define JEMALLOC_EXPORTER_EXPORTER_WEB_IO_EVENTS_H_

#include <chrono>
#include <functional>
#include <string>
#include <vector>

#include "web/connections.h"
#include "web/file_descriptor.h"

struct MHD_Daemon;

namespace jemalloc_exporter {

/// What the thread of a server waits for: new connections, which it hands to
/// the daemon of libmicrohttpd; anything for that daemon to do; the end of a
/// connection's time; and `Wake`.
///
/// libmicrohttpd can do this by itself, but takes a daemon and a thread for
/// each listening socket, and spins when the process runs out of file
/// descriptors while that daemon has no connection. This one stops accepting
/// for a moment then, and says so.
class IoEvents {
 public:
  /// `connections` are those of the daemon. `on_problem` is called when
  /// connections cannot be accepted, at most once a minute. Throws
  /// std::system_error where there are no file descriptors left.
  IoEvents(MHD_Daemon* daemon, Connections& connections,
           std::vector<FileDescriptor> listeners,
           std::function<void(const std::string& line)> on_problem);

  /// Waits for something to do. Then accepts a few of the connections that
  /// wait, as long as there is room.
  void Wait();

  /// Ends a `Wait`, the next one if there is none. From any thread.
  void Wake() const;

  /// Accepts no more connections.
  void CloseListeners() { listeners_.clear(); }

 private:
  using Clock = std::chrono::steady_clock;

  bool MayAccept() const;
  int Timeout();
  void Accept(int listener);
  bool AcceptOne(int listener);
  void Rest(int reason);

  MHD_Daemon* daemon_;
  Connections& connections_;
  int daemon_epoll_;
  FileDescriptor wake_;
  std::vector<FileDescriptor> listeners_;
  Clock::time_point rest_until_;
  Clock::time_point next_problem_;
  std::function<void(const std::string& line)> on_problem_;
};

}  // namespace jemalloc_exporter

#endif  // JEMALLOC_EXPORTER_EXPORTER_WEB_IO_EVENTS_H_
