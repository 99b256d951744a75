#ifndef JEMALLOC_EXPORTER_EXPORTER_HTTP_EVENT_LOOP_H_
#define JEMALLOC_EXPORTER_EXPORTER_HTTP_EVENT_LOOP_H_

#include <atomic>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <list>
#include <vector>

#include "exporter/http/connection_table.h"
#include "exporter/http/dispatcher.h"
#include "exporter/http/file_descriptor.h"
#include "exporter/http/server_options.h"
#include "exporter/http/session.h"
#include "exporter/http/watched_descriptor.h"

namespace jemalloc_exporter {

/// Accepts connections and runs their sessions, on the thread that calls `Run`.
/// Backs off for 100 ms where the process runs out of file descriptors or
/// memory, instead of ending or spinning.
class EventLoop {
 public:
  /// Both outlive this. Throws std::system_error or std::bad_alloc.
  EventLoop(const HttpServerOptions& options, Dispatcher& dispatcher,
            std::vector<FileDescriptor> listeners);

  /// Returns after `Stop`, when the running handlers have returned, their
  /// responses are sent, and all connections are closed.
  void Run();

  /// From any thread.
  void Stop();
  void Wake() { context_.stop(); }

  /// Closes the listening sockets in the child of a fork(), which shares all
  /// other state with its parent.
  void CloseListenersInChild();

 private:
  using Clock = ConnectionTable::Clock;

  struct Listener : WatchedDescriptor {
    using WatchedDescriptor::WatchedDescriptor;
    bool waiting = false;
  };

  void StopAccepting();
  void WaitForEvents(Clock::time_point next);
  void Accept(Listener& listener);
  void BackOff(int error);

  boost::asio::io_context context_;
  const boost::asio::executor_work_guard<boost::asio::io_context::executor_type>
      work_{context_.get_executor()};
  ConnectionTable table_;
  Sessions sessions_;
  std::list<Listener> listeners_;
  Clock::time_point backoff_until_;
  Clock::time_point next_error_;
  std::atomic<bool> stopping_{false};
};

}  // namespace jemalloc_exporter

#endif  // JEMALLOC_EXPORTER_EXPORTER_HTTP_EVENT_LOOP_H_
