#include "exporter/http/event_loop.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/eventfd.h>

#include <algorithm>
#include <cerrno>
#include <exception>
#include <string>
#include <system_error>
#include <utility>

namespace jemalloc_exporter {
namespace {

namespace asio = boost::asio;

// In a row, so that a burst does not delay the sessions.
constexpr int kMaxAccepted = 16;

// In a row, so that finished handlers and deadlines get their turn.
constexpr int kMaxEvents = 64;

constexpr std::chrono::milliseconds kBackoff{100};
constexpr std::chrono::seconds kErrorInterval{60};

FileDescriptor NewEventDescriptor() {
  FileDescriptor descriptor(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!descriptor) throw std::system_error(errno, std::generic_category());
  return descriptor;
}

}  // namespace

EventLoop::Source::Source(asio::io_context& context, FileDescriptor owned)
    : descriptor(std::move(owned)), readiness(context) {
  readiness.assign(descriptor.get());
}

// Releases the registration first: closing a descriptor that a child of fork()
// shares does not end it.
EventLoop::Source::~Source() { readiness.release(); }

// One thread uses the context, which therefore needs no locks.
EventLoop::EventLoop(const HttpServerOptions& options, Dispatcher& dispatcher,
                     std::vector<FileDescriptor> listeners)
    : options_(options),
      dispatcher_(dispatcher),
      context_(BOOST_ASIO_CONCURRENCY_HINT_UNSAFE),
      work_(asio::make_work_guard(context_)),
      wake_(context_, NewEventDescriptor()),
      table_(options.connections),
      server_{options, context_, table_, dispatcher} {
  for (FileDescriptor& listener : listeners) {
    listeners_.emplace_back(context_, std::move(listener));
  }
}

EventLoop::~EventLoop() = default;

void EventLoop::Stop() {
  stopping_ = true;
  Wake();
}

// A lost wake-up would delay a response until the next deadline. With EAGAIN
// the counter is at its maximum, and the descriptor is readable.
void EventLoop::Wake() const {
  while (eventfd_write(wake_.descriptor.get(), 1) != 0 && errno != EAGAIN) {
  }
}

void EventLoop::CloseListenersInChild() {
  for (Source& listener : listeners_) listener.descriptor = FileDescriptor();
}

void EventLoop::Run() {
  while (!server_.stopping || sessions_ > 0) RunOnce();
}

void EventLoop::RunOnce() {
  dispatcher_.ResumeFinished();
  const Clock::time_point next = dispatcher_.BeforeWait();
  // Last before the wait: no response is left to start then.
  if (stopping_) StopAccepting();
  WaitForEvents(next);
}

// Connections whose requests are being processed stay for their responses.
void EventLoop::StopAccepting() {
  server_.stopping = true;
  listeners_.clear();
  if (!table_.has_dispatched()) table_.CloseAll();
}

// All waits are renewed here, so that a failed allocation ends none of them.
void EventLoop::WaitForEvents(Clock::time_point next) try {
  next = std::min(next, table_.CloseExpired());
  WaitFor(wake_, [this] {
    eventfd_t count = 0;
    eventfd_read(wake_.descriptor.get(), &count);
  });
  if (backoff_until_ > Clock::now()) {
    next = std::min(next, backoff_until_);
  } else if (table_.HasCapacity()) {
    for (Source& listener : listeners_) {
      WaitFor(listener, [this, &listener] { Accept(listener); });
    }
  }
  if (server_.stopping && sessions_ == 0) return;
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

template <typename OnReadable>
void EventLoop::WaitFor(Source& source, OnReadable on_readable) {
  if (source.waiting) return;
  source.readiness.async_wait(
      Readiness::wait_read,
      [&source, on_readable](const boost::system::error_code& error) {
        // The source may no longer exist.
        if (error == asio::error::operation_aborted) return;
        source.waiting = false;
        on_readable();
      });
  source.waiting = true;
}

// Asio's accept() does not set CLOEXEC.
void EventLoop::Accept(const Source& listener) {
  for (int accepted = 0; accepted < kMaxAccepted && table_.HasCapacity();
       ++accepted) {
    sockaddr_storage client{};
    auto* const address = reinterpret_cast<sockaddr*>(&client);
    socklen_t size = sizeof(client);
    FileDescriptor socket(accept4(listener.descriptor.get(), address, &size,
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
    StartSession(std::move(socket), address);
  }
}

void EventLoop::StartSession(FileDescriptor socket,
                             const sockaddr* client) try {
  if (!table_.EvictForNew(client)) return;
  RunSession(std::make_unique<Session>(server_, std::move(socket), client));
} catch (const std::exception&) {
  // A lack of memory costs this connection.
}

DetachedTask EventLoop::RunSession(std::unique_ptr<Session> session) {
  ++sessions_;
  try {
    co_await session->Run();
  } catch (const std::exception&) {
    // A lack of memory costs this connection.
  }
  session.reset();
  --sessions_;
}

void EventLoop::BackOff(int error) try {
  const Clock::time_point now = Clock::now();
  backoff_until_ = now + kBackoff;
  if (now < next_error_) return;
  next_error_ = now + kErrorInterval;
  options_.on_error("cannot accept connections: " +
                    std::generic_category().message(error));
} catch (const std::exception&) {
  // No memory for the message.
}

}  // namespace jemalloc_exporter
