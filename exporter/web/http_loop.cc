#include "web/http_loop.h"

#include <sys/epoll.h>
#include <sys/eventfd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <exception>
#include <system_error>
#include <utility>

#include "web/http_date.h"

namespace jemalloc_exporter {
namespace {

using Clock = Connections::Clock;
using Stage = HttpConnection::Stage;

// In one go, so that nobody holds up the rest: connections that are accepted,
// and steps with one of them.
constexpr int kMaxAccepted = 16;
constexpr int kMaxSteps = 64;

FileDescriptor Require(int descriptor) {
  if (descriptor < 0) throw std::system_error(errno, std::generic_category());
  return FileDescriptor(descriptor);
}

bool Control(const FileDescriptor& epoll, int operation, int descriptor,
             unsigned events) {
  epoll_event event{};
  event.events = events;
  event.data.fd = descriptor;
  return epoll_ctl(epoll.get(), operation, descriptor, &event) == 0;
}

}  // namespace

HttpLoop::HttpLoop(const HttpServerOptions& options, Answering& answering,
                   std::vector<FileDescriptor> listeners)
    : answering_(answering),
      door_(options.door),
      connections_(options.connections),
      epoll_(Require(epoll_create1(EPOLL_CLOEXEC))),
      wake_(Require(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK))),
      acceptor_(std::move(listeners), options.on_problem) {
  if (!Control(epoll_, EPOLL_CTL_ADD, wake_.get(), EPOLLIN)) {
    throw std::system_error(errno, std::generic_category());
  }
}

HttpLoop::~HttpLoop() {
  while (!served_.empty()) Close(served_.begin()->second);
}

void HttpLoop::Wake() const { eventfd_write(wake_.get(), 1); }

void HttpLoop::Stop() {
  stopped_ = true;
  acceptor_.Close();
}

void HttpLoop::Turn() {
  WatchListeners();
  std::array<epoll_event, 64> events{};
  const int count =
      epoll_wait(epoll_.get(), events.data(), events.size(), WaitTime());
  for (int i = 0; i < count; ++i) {
    OnEvent(events.at(static_cast<std::size_t>(i)).data.fd);
  }
  for (const int socket : std::exchange(unfinished_, {})) Continue(socket);
}

// In milliseconds; -1 is for ever.
int HttpLoop::WaitTime() {
  using std::chrono::milliseconds;
  const auto late = connections_.CutOffLate();
  const auto now = Clock::now();
  if (!unfinished_.empty()) return 0;
  auto next = late;
  if (const auto rest = acceptor_.rest_until(); rest > now) {
    next = std::min(next, rest);
  }
  if (next == Clock::time_point::max()) return -1;
  const auto left = std::chrono::ceil<milliseconds>(next - now);
  return static_cast<int>(std::max(left, milliseconds::zero()).count());
}

// Not while nothing can be taken: they would be reported again and again.
void HttpLoop::WatchListeners() {
  const bool watches =
      connections_.HasRoom() && acceptor_.rest_until() <= Clock::now();
  if (watches == watches_listeners_) return;
  watches_listeners_ = watches;
  for (const FileDescriptor& listener : acceptor_.listeners()) {
    const int operation = watches ? EPOLL_CTL_ADD : EPOLL_CTL_DEL;
    if (Control(epoll_, operation, listener.get(), EPOLLIN)) continue;
    // Tried again after a while, of those that are watched as well.
    if (watches && errno != EEXIST) {
      watches_listeners_ = false;
      acceptor_.Rest(errno);
    }
  }
}

void HttpLoop::OnEvent(int descriptor) {
  const auto& listeners = acceptor_.listeners();
  if (descriptor == wake_.get()) {
    eventfd_t wakes = 0;
    eventfd_read(wake_.get(), &wakes);
  } else if (std::any_of(listeners.begin(), listeners.end(),
                         [&](const FileDescriptor& listener) {
                           return listener.get() == descriptor;
                         })) {
    Accept(descriptor);
  } else {
    Continue(descriptor);
  }
}

void HttpLoop::Accept(int listener) {
  for (int accepted = 0; accepted < kMaxAccepted; ++accepted) {
    if (!connections_.HasRoom()) return;
    sockaddr_storage client{};
    FileDescriptor socket = acceptor_.Accept(listener, &client);
    if (!socket) return;
    Add(std::move(socket), reinterpret_cast<const sockaddr*>(&client));
  }
}

void HttpLoop::Add(FileDescriptor socket, const sockaddr* client) try {
  if (!connections_.MakeRoom(client)) return;
  const int descriptor = socket.get();
  auto transport = door_.transport(std::move(socket));
  Connections::Connection& kept = connections_.Add(descriptor, client);
  try {
    served_.try_emplace(descriptor, std::move(transport), kept);
  } catch (const std::exception&) {
    connections_.Remove(kept);
    return;
  }
  Continue(descriptor);
} catch (const std::exception&) {
  // No memory for it: it is closed.
}

void HttpLoop::Continue(int socket) {
  const auto found = served_.find(socket);
  if (found == served_.end()) return;  // Closed a moment ago.
  HttpConnection& connection = found->second;
  try {
    Serve(connection);
  } catch (const std::exception&) {
    Close(connection);  // No memory to go on.
  }
}

void HttpLoop::OnAnswered(const Exchange& exchange) {
  served_.at(exchange.socket).stage = Stage::kAnswered;
  Continue(exchange.socket);
}

void HttpLoop::Serve(HttpConnection& connection) {
  // Level-triggered, what happens meanwhile would be reported again and again.
  if (connection.stage == Stage::kWorking) return Unwatch(connection);
  for (int step = 0; step < kMaxSteps; ++step) {
    switch (Step(connection)) {
      case Travel::kSome:
        break;
      case Travel::kWaitsToReceive:
        return WatchOrClose(connection, EPOLLIN);
      case Travel::kWaitsToSend:
        return WatchOrClose(connection, EPOLLOUT);
      case Travel::kEnded:
        return Close(connection);
    }
    if (connection.stage == Stage::kWorking) return;
  }
  unfinished_.push_back(connection.kept().socket);
}

Travel HttpLoop::Step(HttpConnection& connection) {
  switch (connection.stage) {
    case Stage::kReceiving:
      return stopped_ ? Travel::kEnded : Receive(connection);
    case Stage::kWorking:
      break;
    case Stage::kAnswered:
      return Begin(connection);
    case Stage::kSending:
      return Send(connection);
    case Stage::kLeaving:
      return connection.Drain();
  }
  return Travel::kEnded;
}

Travel HttpLoop::Receive(HttpConnection& connection) {
  const Travel travel = connection.Receive();
  if (connection.HasPart()) connections_.Arrive(connection.kept());
  if (travel != Travel::kSome) return travel;
  if (connection.bad_status != 0) {
    answering_.Refuse(connection.exchange, connection.bad_status);
    connection.stage = Stage::kAnswered;
  } else if (answering_.Answer(connection.exchange)) {
    connection.stage = Stage::kAnswered;
  } else {
    connection.stage = Stage::kWorking;
    connections_.Work(connection.kept());
  }
  return travel;
}

Travel HttpLoop::Begin(HttpConnection& connection) {
  connections_.Leave(connection.kept());
  if (!connection.exchange.response) return Travel::kEnded;
  connection.Begin(Date());
  return Travel::kSome;
}

Travel HttpLoop::Send(HttpConnection& connection) {
  const Travel travel = connection.Send();
  if (connection.stage == Stage::kReceiving) {
    connections_.Await(connection.kept());
  } else if (connection.stage == Stage::kLeaving) {
    connections_.Dismiss(connection.kept());
  }
  return travel;
}

void HttpLoop::WatchOrClose(HttpConnection& connection, unsigned events) {
  if (connection.watched_for == events) return;
  const int operation =
      connection.watched_for == 0 ? EPOLL_CTL_ADD : EPOLL_CTL_MOD;
  if (Control(epoll_, operation, connection.kept().socket, events)) {
    connection.watched_for = events;
  } else {
    Close(connection);  // Nobody would ever hear of it again.
  }
}

void HttpLoop::Unwatch(HttpConnection& connection) {
  if (std::exchange(connection.watched_for, 0) == 0) return;
  Control(epoll_, EPOLL_CTL_DEL, connection.kept().socket, 0);
}

// By hand what closing does by itself, unless a forked child has the socket,
// too.
void HttpLoop::Close(HttpConnection& connection) {
  const int socket = connection.kept().socket;
  Unwatch(connection);
  shutdown(socket, SHUT_RDWR);
  connections_.Remove(connection.kept());
  served_.erase(socket);
}

const std::string& HttpLoop::Date() {
  const std::time_t now = std::time(nullptr);
  if (date_.empty() || now != date_time_) {
    date_ = HttpDate(now);
    date_time_ = now;
  }
  return date_;
}

}  // namespace jemalloc_exporter
