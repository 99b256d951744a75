#include "exporter/http/server.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <cerrno>
#include <chrono>
#include <exception>
#include <list>
#include <optional>
#include <system_error>
#include <thread>
#include <utility>

#include "exporter/http/connection_table.h"
#include "exporter/http/dispatcher.h"
#include "exporter/http/service_thread.h"
#include "exporter/http/session.h"
#include "exporter/http/watched_descriptor.h"

namespace jemalloc_exporter {
namespace {

using Clock = ConnectionTable::Clock;

// In a row, so that a burst does not delay the sessions.
constexpr int kMaxAccepted = 16;

// In a row, so that finished handlers and deadlines get their turn.
constexpr int kMaxEvents = 64;

constexpr std::chrono::milliseconds kBackoff{100};
constexpr std::chrono::seconds kErrorInterval{60};

// Accepts connections and runs their sessions, on the thread that calls `Run`.
// Backs off for 100 ms where the process runs out of file descriptors or
// memory, instead of ending or spinning.
class EventLoop {
 public:
  // Other threads call stop() only, so that descriptors need no locks.
  EventLoop(const HttpServerOptions& options, Dispatcher& dispatcher,
            std::vector<FileDescriptor> listeners)
      : context_(BOOST_ASIO_CONCURRENCY_HINT_UNSAFE_IO),
        table_(options.connections),
        sessions_{options, context_, table_, dispatcher} {
    for (FileDescriptor& listener : listeners) {
      listeners_.emplace_back(context_, std::move(listener));
    }
  }

  // Returns after `Stop`, when the running handlers have returned, their
  // responses are sent, and all connections are closed.
  void Run() {
    for (;;) {
      context_.restart();  // From here on, Wake() ends the next wait.
      sessions_.dispatcher.ResumeFinished();
      if (stopping_) StopAccepting();
      if (sessions_.stopping && table_.empty()) return;
      WaitForEvents();
    }
  }

  // From any thread.
  void Wake() { context_.stop(); }
  void Stop() {
    stopping_ = true;
    Wake();
  }

  // In the child of a fork(), which shares all other state with its parent.
  void CloseListenersInChild() {
    for (Listener& listener : listeners_) close(listener.native_handle());
  }

 private:
  struct Listener : WatchedDescriptor {
    using WatchedDescriptor::WatchedDescriptor;
    bool waiting = false;
  };

  // Connections whose requests are being processed stay for their responses.
  void StopAccepting() {
    sessions_.stopping = true;
    listeners_.clear();
    if (!table_.has_dispatched()) table_.CloseAll();
  }

  // All waits are renewed here, so that a failed allocation ends none of them.
  void WaitForEvents() try {
    Clock::time_point next =
        std::min(sessions_.dispatcher.BeforeWait(), table_.CloseExpired());
    const bool backs_off = backoff_until_ > Clock::now();
    if (backs_off) next = std::min(next, backoff_until_);
    for (Listener& listener : listeners_) {
      if (listener.waiting || backs_off || !table_.HasCapacity()) continue;
      listener.async_wait(
          WatchedDescriptor::wait_read,
          [this, &listener](const boost::system::error_code& error) {
            // The listener may no longer exist.
            if (error == boost::asio::error::operation_aborted) return;
            listener.waiting = false;
            Accept(listener);
          });
      listener.waiting = true;
    }
    if (next > Clock::now()) {
      // A wait with a limit wakes once a second.
      next == Clock::time_point::max() ? context_.run_one()
                                       : context_.run_one_until(next);
    }
    for (int i = 0; i < kMaxEvents && context_.poll_one() > 0; ++i) {
    }
  } catch (const std::exception&) {
    context_.run_one_for(kBackoff);
  }

  // Asio's accept() does not set CLOEXEC.
  void Accept(Listener& listener) {
    for (int accepted = 0; accepted < kMaxAccepted && table_.HasCapacity();
         ++accepted) {
      sockaddr_storage client{};
      auto* const address = reinterpret_cast<sockaddr*>(&client);
      socklen_t size = sizeof(client);
      FileDescriptor socket(accept4(listener.native_handle(), address, &size,
                                    SOCK_NONBLOCK | SOCK_CLOEXEC));
      if (!socket) {
        const bool lacks_resources = errno == EMFILE || errno == ENFILE ||
                                     errno == ENOBUFS || errno == ENOMEM;
        if (lacks_resources) BackOff(errno);
        return;
      }
      // The end of a response does not wait for the acknowledgement of its
      // start.
      const int on = 1;
      setsockopt(socket.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
      ServeConnection(sessions_, std::move(socket), address);
    }
  }

  void BackOff(int error) try {
    const Clock::time_point now = Clock::now();
    backoff_until_ = now + kBackoff;
    if (now < next_error_) return;
    next_error_ = now + kErrorInterval;
    sessions_.options.on_error("cannot accept connections: " +
                               std::generic_category().message(error));
  } catch (const std::exception&) {
    // No memory for the message.
  }

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

}  // namespace

struct HttpServer::Impl {
  const HttpServerOptions options;
  const pid_t pid = getpid();
  std::optional<EventLoop> loop = {};  // From `Start` on.
  Dispatcher dispatcher{options, [this] { loop->Wake(); }};
  std::thread thread = {};
};

HttpServer::HttpServer(HttpServerOptions options)
    : impl_(new Impl{std::move(options)}) {}

HttpServer::~HttpServer() {
  if (impl_->pid != getpid()) {
    // The child has no threads of the server, and shares its connections with
    // the parent. The rest is leaked.
    Impl& leaked = *impl_.release();
    if (leaked.loop) leaked.loop->CloseListenersInChild();
  } else if (impl_->thread.joinable()) {
    impl_->loop->Stop();
    impl_->thread.join();
  }
}

void HttpServer::AddStaticResponse(std::string path, Response response) {
  impl_->dispatcher.Add(std::move(path), {.fixed = std::move(response)});
}

void HttpServer::AddHandler(std::string path, Handler handler) {
  impl_->dispatcher.Add(std::move(path), {.handler = std::move(handler)});
}

void HttpServer::AddLongHandler(std::string path, Handler handler) {
  impl_->dispatcher.Add(std::move(path),
                        {.handler = std::move(handler), .is_long = true});
}

bool HttpServer::Start(std::vector<FileDescriptor> listeners,
                       std::string* error) try {
  impl_->loop.emplace(impl_->options, impl_->dispatcher, std::move(listeners));
  impl_->thread = StartThreadWithSignalsBlocked(
      "je_exporter_web", [loop = &*impl_->loop] { loop->Run(); });
  return true;
} catch (const std::exception& failure) {
  *error = std::string("cannot start the HTTP server: ") + failure.what();
  return false;
}

}  // namespace jemalloc_exporter
