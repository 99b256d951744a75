#include "exporter/http/event_loop.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <exception>
#include <string>
#include <system_error>
#include <utility>

namespace jemalloc_exporter {
namespace {

// In a row, so that a burst does not delay the sessions.
constexpr int kMaxAccepted = 16;

// In a row, so that finished handlers and deadlines get their turn.
constexpr int kMaxEvents = 64;

constexpr std::chrono::milliseconds kBackoff{100};
constexpr std::chrono::seconds kErrorInterval{60};

}  // namespace

// Other threads call stop() only, so that descriptors need no locks.
EventLoop::EventLoop(const HttpServerOptions& options, Dispatcher& dispatcher,
                     std::vector<FileDescriptor> listeners)
    : context_(BOOST_ASIO_CONCURRENCY_HINT_UNSAFE_IO),
      table_(options.connections),
      sessions_{options, context_, table_, dispatcher} {
  for (FileDescriptor& listener : listeners) {
    listeners_.emplace_back(context_, std::move(listener));
  }
}

void EventLoop::Stop() {
  stopping_ = true;
  Wake();
}

void EventLoop::CloseListenersInChild() {
  for (Listener& listener : listeners_) close(listener.native_handle());
}

void EventLoop::Run() {
  for (;;) {
    context_.restart();  // From here on, Wake() ends the next wait.
    sessions_.dispatcher.ResumeFinished();
    const Clock::time_point next = sessions_.dispatcher.BeforeWait();
    // Last before the wait: no response is left to start then.
    if (stopping_) StopAccepting();
    if (sessions_.stopping && sessions_.count == 0) return;
    WaitForEvents(next);
  }
}

// Connections whose requests are being processed stay for their responses.
void EventLoop::StopAccepting() {
  sessions_.stopping = true;
  listeners_.clear();
  if (!table_.has_dispatched()) table_.CloseAll();
}

// All waits are renewed here, so that a failed allocation ends none of them.
void EventLoop::WaitForEvents(Clock::time_point next) try {
  next = std::min(next, table_.CloseExpired());
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
void EventLoop::Accept(Listener& listener) {
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
    // The end of a response does not wait for the acknowledgement of its start.
    const int on = 1;
    setsockopt(socket.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    ServeConnection(sessions_, std::move(socket), address);
  }
}

void EventLoop::BackOff(int error) try {
  const Clock::time_point now = Clock::now();
  backoff_until_ = now + kBackoff;
  if (now < next_error_) return;
  next_error_ = now + kErrorInterval;
  sessions_.options.on_error("cannot accept connections: " +
                             std::generic_category().message(error));
} catch (const std::exception&) {
  // No memory for the message.
}

}  // namespace jemalloc_exporter
