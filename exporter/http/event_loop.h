#ifndef JEMALLOC_EXPORTER_EXPORTER_HTTP_EVENT_LOOP_H_
#define JEMALLOC_EXPORTER_EXPORTER_HTTP_EVENT_LOOP_H_

#include <sys/socket.h>

#include <atomic>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <chrono>
#include <cstddef>
#include <list>
#include <memory>
#include <vector>

#include "exporter/http/connection_table.h"
#include "exporter/http/dispatcher.h"
#include "exporter/http/file_descriptor.h"
#include "exporter/http/server_options.h"
#include "exporter/http/session.h"
#include "exporter/http/task.h"

namespace jemalloc_exporter {

/// Accepts connections and runs their sessions, on the thread that calls `Run`.
/// Backs off for 100 ms where the process runs out of file descriptors or
/// memory, instead of ending or spinning.
class EventLoop {
 public:
  /// Both outlive this. Throws std::system_error or std::bad_alloc.
  EventLoop(const HttpServerOptions& options, Dispatcher& dispatcher,
            std::vector<FileDescriptor> listeners);
  ~EventLoop();
  EventLoop(const EventLoop&) = delete;
  EventLoop& operator=(const EventLoop&) = delete;

  /// Returns after `Stop`, when the running handlers have returned, their
  /// responses are sent, and all connections are closed.
  void Run();

  /// From any thread.
  void Stop();
  void Wake() const;

  /// Closes the listening sockets in the child of a fork(), which shares all
  /// other state with its parent.
  void CloseListenersInChild();

 private:
  using Clock = ConnectionTable::Clock;
  using Executor = boost::asio::io_context::executor_type;

  // A descriptor that is reported when it is readable.
  struct Source {
    Source(boost::asio::io_context& context, FileDescriptor owned);
    ~Source();
    Source(const Source&) = delete;
    Source& operator=(const Source&) = delete;

    FileDescriptor descriptor;
    Readiness readiness;  // Of the same descriptor.
    bool waiting = false;
  };

  void RunOnce();
  void StopAccepting();
  void WaitForEvents(Clock::time_point next);
  template <typename OnReadable>
  static void WaitFor(Source& source, OnReadable on_readable);
  void Accept(const Source& listener);
  void StartSession(FileDescriptor socket, const sockaddr* client);
  DetachedTask RunSession(std::unique_ptr<Session> session);
  void BackOff(int error);

  const HttpServerOptions& options_;
  Dispatcher& dispatcher_;
  boost::asio::io_context context_;
  boost::asio::executor_work_guard<Executor> work_;
  Source wake_;
  std::list<Source> listeners_;
  Clock::time_point backoff_until_;
  Clock::time_point next_error_;
  ConnectionTable table_;
  Session::Server server_;
  std::size_t sessions_ = 0;
  std::atomic<bool> stopping_{false};
};

}  // namespace jemalloc_exporter

#endif  // JEMALLOC_EXPORTER_EXPORTER_HTTP_EVENT_LOOP_H_
