#ifndef JEMALLOC_EXPORTER_EXPORTER_WEB_ACCEPTOR_H_
#define JEMALLOC_EXPORTER_EXPORTER_WEB_ACCEPTOR_H_

#include <sys/socket.h>

#include <chrono>
#include <functional>
#include <string>
#include <vector>

#include "web/file_descriptor.h"

namespace jemalloc_exporter {

/// The sockets on which a server listens. Where the process runs out of file
/// descriptors it takes a rest, and says so once a minute, instead of trying
/// again and again. For one thread.
class Acceptor {
 public:
  using Clock = std::chrono::steady_clock;
  using OnProblem = std::function<void(const std::string& line)>;

  Acceptor(std::vector<FileDescriptor> listeners, OnProblem on_problem)
      : listeners_(std::move(listeners)), on_problem_(std::move(on_problem)) {}

  const std::vector<FileDescriptor>& listeners() const { return listeners_; }

  /// Takes a connection that waits at `listener`, and the address of its other
  /// side. Returns none where none waits, or none can be taken.
  FileDescriptor Accept(int listener, sockaddr_storage* client);

  /// Until when nothing can be taken; in the past if something can.
  Clock::time_point rest_until() const { return rest_until_; }

  /// Takes a rest because of an error.
  void Rest(int error);

  /// Takes no more.
  void Close() { listeners_.clear(); }

 private:
  std::vector<FileDescriptor> listeners_;
  OnProblem on_problem_;
  Clock::time_point rest_until_;
  Clock::time_point next_problem_;
};

}  // namespace jemalloc_exporter

#endif  // JEMALLOC_EXPORTER_EXPORTER_WEB_ACCEPTOR_H_
