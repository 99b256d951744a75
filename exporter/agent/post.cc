#include "exporter/agent/post.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstdint>
#include <string_view>

#include "collector/jemalloc/heap_snapshot.h"
#include "exporter/agent/answer_writer.h"
#include "exporter/agent/file_table.h"

namespace jemalloc_exporter {
namespace {

// A few readers at the same time. What a stopped host leaves unanswered is
// bounded by it, too.
constexpr int kBacklog = 16;

// How long to wait where the machine has no memory for a connection.
constexpr int kPauseMs = 100;

// Programs drop privileges early, so the interval between checks of the host
// grows from the first to one of the others.
constexpr int kFirstCheckMs = 100;
constexpr int kPrivilegedCheckMs = 5'000;  // While the thread has capabilities.
constexpr int kOtherCheckMs = 60'000;

int Listen() {
  const int listener =
      socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (listener < 0) return -1;
  AgentName name = {.pid = getpid()};
  for (; name.place <= kMaxPlace; ++name.place) {
    sockaddr_un address;
    const socklen_t size = WriteAddress(name, &address);
    if (bind(listener, reinterpret_cast<sockaddr*>(&address), size) == 0) {
      return listen(listener, kBacklog) == 0 ? listener : -1;
    }
    if (errno != EADDRINUSE) return -1;
  }
  return -1;
}

// Blocks `kStopSignal` and makes a descriptor that is readable once it comes.
// The raw calls, because glibc keeps the signal from its callers.
int OpenSignal() {
  const std::uint64_t mask = std::uint64_t{1} << (kStopSignal - 1);
  if (syscall(SYS_rt_sigprocmask, SIG_BLOCK, &mask, nullptr, sizeof(mask)) !=
      0) {
    return -1;
  }
  return static_cast<int>(
      syscall(SYS_signalfd4, -1, &mask, sizeof(mask), SFD_CLOEXEC));
}

void WaitForSignal(int signal) {
  signalfd_siginfo info;
  while (read(signal, &info, sizeof(info)) < 0 && errno == EINTR) {
  }
}

// A request for a check is no order to stop, even where it comes too late.
void WaitForStop(int signal, ForkChecks* forks) {
  do {
    WaitForSignal(signal);
  } while (forks->TakeRequest());
}

void Rewind(int file) { lseek(file, 0, SEEK_SET); }

std::string_view ReadVersion(Mallctl* mallctl) {
  const char* version = nullptr;
  std::size_t size = sizeof(version);
  if (mallctl("version", &version, &size, nullptr, 0) != 0) return {};
  return version != nullptr ? version : std::string_view{};
}

bool IsAllowed(int peer, const AllowedUids& allowed) {
  ucred credentials = {};
  socklen_t size = sizeof(credentials);
  return getsockopt(peer, SOL_SOCKET, SO_PEERCRED, &credentials, &size) == 0 &&
         allowed.contains(credentials.uid);
}

}  // namespace

bool Post::Open() {
  prctl(PR_GET_NAME, name_);
  prctl(PR_SET_NAME, "jemalloc_export");
  privileges_.DropAtStart();
  if (!UnshareFileDescriptors()) return false;
  UnshareFilesystemContext();
  listener_ = Listen();
  signal_ = OpenSignal();
  // Not the file of this thread: to forget that one takes the kernel
  // milliseconds when a short-lived process ends.
  status_ = open("/proc/self/status", O_RDONLY | O_CLOEXEC);
  initial_filters_ = ReadHostStatus(status_).seccomp_filters;
  Rewind(status_);
  check_interval_ms_ = kFirstCheckMs;
  return listener_ >= 0 && signal_ >= 0;
}

void Post::Serve(Mallctl* mallctl, const AllowedUids& allowed,
                 ForkChecks* forks) {
  Next next = Next::kServe;
  while (next == Next::kServe) {
    pollfd ready[] = {{signal_, POLLIN, 0}, {listener_, POLLIN, 0}};
    const int count = poll(ready, 2, check_interval_ms_);
    if (count == 0) LengthenCheckInterval();
    HostStatus host;
    next = Check(count > 0 && ready[0].revents != 0, forks, &host);
    const bool has_client = count > 0 && ready[1].revents != 0;
    if (next == Next::kServe && has_client &&
        !Receive(mallctl, allowed, host.name())) {
      next = Next::kClose;
    }
  }
  forks->Disable();
  if (next == Next::kClose) close(listener_);
  if (next != Next::kEnd) WaitForStop(signal_, forks);
}

// Reads before it makes any other call: see above.
Post::Next Post::Check(bool is_signalled, ForkChecks* forks, HostStatus* host) {
  if (is_signalled) {
    WaitForSignal(signal_);
    if (!forks->TakeRequest()) return Next::kEnd;
  }
  *host = ReadHostStatus(status_);
  if (host->seccomp_filters != initial_filters_) return Next::kPause;
  Rewind(status_);
  forks->CompleteAll();
  privileges_.Adopt(*host);
  // The main thread ended without the handlers of pthread_exit(3). A process
  // ends with its last thread, which the agent's must not be.
  const bool is_alone = host->is_zombie && host->threads == 2;
  return is_alone ? Next::kEnd : Next::kServe;
}

void Post::LengthenCheckInterval() {
  check_interval_ms_ =
      std::min(2 * check_interval_ms_,
               privileges_.any() ? kPrivilegedCheckMs : kOtherCheckMs);
}

// False when the host has taken the right to descriptors away, even few.
bool Post::Receive(Mallctl* mallctl, const AllowedUids& allowed,
                   std::string_view name) const {
  const int peer = accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
  if (peer < 0) {
    if (errno == EMFILE) return false;
    if (errno != EAGAIN && errno != EINTR) poll(nullptr, 0, kPauseMs);
    return true;
  }
  if (IsAllowed(peer, allowed)) SendAnswer(mallctl, name, peer);
  close(peer);
  return true;
}

// One send that does not wait: the socket is new, so all of the document fits
// and no peer can hold the thread up.
void Post::SendAnswer(Mallctl* mallctl, std::string_view name, int peer) const {
  const std::string_view comm = name.empty() ? name_ : name;
  char document[kMaxDocumentSize];
  const char* const end = WriteAnswer({.pid = getpid(),
                                       .comm = comm,
                                       .jemalloc_version = ReadVersion(mallctl),
                                       .heap = TakeHeapSnapshot(mallctl)},
                                      document);
  send(peer, document, static_cast<std::size_t>(end - document),
       MSG_DONTWAIT | MSG_NOSIGNAL);
}

}  // namespace jemalloc_exporter
