#include "web/acceptor.h"

#include <cerrno>
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
  if (!accepted && (errno == EMFILE || errno == ENFILE || errno == ENOBUFS ||
                    errno == ENOMEM)) {
    Rest(errno);
  }
  return accepted;
}

void Acceptor::Rest(int error) {
  const Clock::time_point now = Clock::now();
  rest_until_ = now + kRest;
  if (now < next_problem_) return;
  next_problem_ = now + kProblemInterval;
  on_problem_("cannot accept connections: " +
              std::generic_category().message(error));
}

}  // namespace jemalloc_exporter
