#include "web/io_events.h"

#include <microhttpd.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <limits>
#include <system_error>
#include <utility>

#include "web/connections.h"

namespace jemalloc_exporter {
namespace {

// In one go, so that accepting does not hold up the rest.
constexpr int kMaxAccepted = 16;
constexpr std::chrono::milliseconds kRest{100};
constexpr std::chrono::seconds kProblemInterval{60};

}  // namespace

IoEvents::IoEvents(MHD_Daemon* daemon, Connections& connections,
                   std::vector<FileDescriptor> listeners,
                   std::function<void(const std::string& line)> on_problem)
    : daemon_(daemon),
      connections_(connections),
      daemon_epoll_(
          MHD_get_daemon_info(daemon, MHD_DAEMON_INFO_EPOLL_FD)->epoll_fd),
      wake_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)),
      listeners_(std::move(listeners)),
      on_problem_(std::move(on_problem)) {
  if (!wake_) throw std::system_error(errno, std::generic_category());
}

void IoEvents::Wait() {
  std::vector<pollfd> polled{{wake_.get(), POLLIN, 0},
                             {daemon_epoll_, POLLIN, 0}};
  if (MayAccept()) {
    for (const FileDescriptor& listener : listeners_) {
      polled.push_back({listener.get(), POLLIN, 0});
    }
  }
  if (poll(polled.data(), polled.size(), Timeout()) <= 0) return;
  for (const pollfd& ready : polled) {
    if (ready.revents == 0 || ready.fd == daemon_epoll_) continue;
    if (ready.fd == wake_.get()) {
      eventfd_t wakes = 0;
      eventfd_read(wake_.get(), &wakes);
    } else {
      Accept(ready.fd);
    }
  }
}

void IoEvents::Wake() const { eventfd_write(wake_.get(), 1); }

bool IoEvents::MayAccept() const {
  return connections_.HasRoom() && Clock::now() >= rest_until_;
}

// In milliseconds; -1 is none.
int IoEvents::Timeout() {
  using std::chrono::milliseconds;
  constexpr milliseconds kNone{std::numeric_limits<int>::max()};
  const auto now = Clock::now();
  milliseconds timeout = kNone;
  for (const auto time : {rest_until_, connections_.CutOffLate()}) {
    if (time <= now || time == Clock::time_point::max()) continue;
    timeout = std::min(timeout, std::chrono::ceil<milliseconds>(time - now));
  }
  MHD_UNSIGNED_LONG_LONG daemon = 0;
  if (MHD_get_timeout(daemon_, &daemon) == MHD_YES) {
    timeout = std::min(timeout, milliseconds(daemon));
  }
  return timeout == kNone ? -1 : static_cast<int>(timeout.count());
}

void IoEvents::Accept(int listener) {
  for (int accepted = 0; accepted < kMaxAccepted; ++accepted) {
    if (!MayAccept() || !AcceptOne(listener)) return;
  }
}

// Returns false when there is no more to accept.
bool IoEvents::AcceptOne(int listener) {
  sockaddr_storage client{};
  socklen_t size = sizeof(client);
  auto* const address = reinterpret_cast<sockaddr*>(&client);
  const int connection =
      accept4(listener, address, &size, SOCK_NONBLOCK | SOCK_CLOEXEC);
  if (connection >= 0) {
    if (connections_.MakeRoom(address)) {
      // Where it fails, it closes the connection.
      MHD_add_connection(daemon_, connection, address, size);
    } else {
      close(connection);
    }
    return true;
  }
  if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS ||
      errno == ENOMEM) {
    Rest(errno);
  }
  return false;
}

void IoEvents::Rest(int reason) {
  const Clock::time_point now = Clock::now();
  rest_until_ = now + kRest;
  if (now < next_problem_) return;
  next_problem_ = now + kProblemInterval;
  on_problem_("cannot accept connections: " +
              std::generic_category().message(reason));
}

}  // namespace jemalloc_exporter
