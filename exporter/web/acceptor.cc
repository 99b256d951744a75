#include "web/acceptor.h"

#include <netinet/in.h>
#include <netinet/tcp.h>

#include <cerrno>
#include <exception>
#include <system_error>

namespace jemalloc_exporter {
namespace {

constexpr std::chrono::milliseconds kRest{100};
constexpr std::chrono::seconds kProblemInterval{60};

}  // namespace

FileDescriptor Acceptor::Accept(int listener, sockaddr_storage* client) {
  socklen_t size = sizeof(*client);
  FileDescriptor accepted(accept4(listener, reinterpret_cast<sockaddr*>(client),
                                  &size, SOCK_NONBLOCK | SOCK_CLOEXEC));
  if (accepted) {
    // The end of an answer is not held back until its beginning is confirmed.
    const int on = 1;
    setsockopt(accepted.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
  } else if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS ||
             errno == ENOMEM) {
    Rest(errno);
  }
  return accepted;
}

void Acceptor::Rest(int error) try {
  const Clock::time_point now = Clock::now();
  rest_until_ = now + kRest;
  if (now < next_problem_) return;
  next_problem_ = now + kProblemInterval;
  on_problem_("cannot accept connections: " +
              std::generic_category().message(error));
} catch (const std::exception&) {
  // No memory to say so.
}

}  // namespace jemalloc_exporter
