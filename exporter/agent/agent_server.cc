#include "exporter/agent/agent_server.h"

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
#include <cstddef>
#include <cstdint>
#include <string_view>

#include "collector/jemalloc/heap_snapshot.h"
#include "collector/jemalloc/jemalloc_version.h"
#include "exporter/agent/detail_request.h"
#include "exporter/agent/file_table.h"
#include "exporter/agent/profile_dump.h"
#include "exporter/agent/response_writer.h"
#include "exporter/agent/system_call.h"

namespace jemalloc_exporter {
namespace {

// Clients that wait at the same time. Bounds the connections that a stopped
// host leaves without a response, too.
constexpr int kBacklog = 16;

// The pause after accept4(2) failed for want of memory.
constexpr int kRetryDelayMs = 100;

// Programs drop privileges early, so the interval between checks of the host
// doubles from the first value to one of the others.
constexpr int kFirstCheckMs = 100;
constexpr int kPrivilegedCheckMs = 5'000;  // While the thread has capabilities.
constexpr int kOtherCheckMs = 60'000;

int Listen(std::string_view prefix) {
  const auto listener = static_cast<int>(SystemCall(
      SYS_socket, AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (listener < 0) return -1;
  AgentAddress address = {.pid = GetPid()};
  for (; address.instance <= kMaxInstance; ++address.instance) {
    sockaddr_un socket_address;
    const socklen_t size = WriteAddress(address, &socket_address, prefix);
    if (SystemCall(SYS_bind, listener, &socket_address, size) == 0) {
      return SystemCall(SYS_listen, listener, kBacklog) == 0 ? listener : -1;
    }
    if (errno != EADDRINUSE) return -1;
  }
  return -1;
}

// Blocks `kStopSignal` and returns a descriptor that is readable once it is
// pending. The raw calls, because glibc removes the signal from masks.
int CreateSignalFd() {
  const std::uint64_t mask = std::uint64_t{1} << (kStopSignal - 1);
  if (SystemCall(SYS_rt_sigprocmask, SIG_BLOCK, &mask, nullptr, sizeof(mask)) !=
      0) {
    return -1;
  }
  return static_cast<int>(
      SystemCall(SYS_signalfd4, -1, &mask, sizeof(mask), SFD_CLOEXEC));
}

void WaitForSignal(int signal) {
  signalfd_siginfo info;
  while (SystemCall(SYS_read, signal, &info, sizeof(info)) < 0 &&
         errno == EINTR) {
  }
}

// A late request for a check does not stop the thread.
void WaitForStop(int signal, ForkChecks* forks) {
  do {
    WaitForSignal(signal);
  } while (forks->TakeRequest());
}

void Rewind(int file) { SystemCall(SYS_lseek, file, 0, SEEK_SET); }

bool IsAllowed(int peer, const UidAllowlist& allowed) {
  ucred credentials = {};
  socklen_t size = sizeof(credentials);
  return SystemCall(SYS_getsockopt, peer, SOL_SOCKET, SO_PEERCRED, &credentials,
                    &size) == 0 &&
         allowed.contains(credentials.uid);
}

// One send without waiting: the socket is new, so the whole document fits into
// its buffer, and no client can delay the thread.
void Send(const char* document, const char* end, int peer) {
  SystemCall(SYS_sendto, peer, document,
             static_cast<std::size_t>(end - document),
             MSG_DONTWAIT | MSG_NOSIGNAL, nullptr, 0);
}

HeapResponse Read(const Jemalloc& jemalloc, HeapDetailSets requested,
                  HeapDetails* details) {
  return {.prefix = jemalloc.prefix.view(),
          .jemalloc_version = JemallocVersion(jemalloc.mallctl),
          .heap = TakeHeapSnapshot(jemalloc.mallctl, requested, details)};
}

[[gnu::noinline]] void SendState(const Jemallocs& jemallocs,
                                 std::string_view comm, int peer) {
  char document[kMaxDocumentSize];
  ResponseWriter writer(GetPid(), comm, jemallocs.size(), document);
  for (const Jemalloc& jemalloc : jemallocs) {
    writer.Add(Read(jemalloc, {}, nullptr));
  }
  Send(document, writer.Finish(), peer);
}

[[gnu::noinline]] void SendDetails(const Jemallocs& jemallocs,
                                   std::string_view comm,
                                   HeapDetailSets requested, int peer) {
  char document[kMaxDetailedResponseSize];
  ResponseWriter writer(GetPid(), comm, jemallocs.size(), document);
  HeapDetails details;
  for (const Jemalloc& jemalloc : jemallocs) {
    writer.Add(Read(jemalloc, requested, &details), &details);
  }
  Send(document, writer.Finish(), peer);
}

// After accept4(2) failed. False where the host's RLIMIT_NOFILE allows no
// descriptor.
bool WaitAfterError() {
  if (errno == EMFILE) return false;
  if (errno != EAGAIN && errno != EINTR) Poll(nullptr, 0, kRetryDelayMs);
  return true;
}

}  // namespace

bool AgentServer::Open(Mallctl* profiled) {
  SystemCall(SYS_prctl, PR_GET_NAME, name_);
  SystemCall(SYS_prctl, PR_SET_NAME, kThreadName.data());
  privileges_.DropAtStart();
  if (!UnshareFileDescriptors()) return false;
  UnshareFilesystemContext();
  listener_fd_ = Listen(kSocketPrefix);
  profiled_ = profiled;
  if (profiled_ != nullptr) profile_listener_fd_ = Listen(kProfileSocketPrefix);
  signal_fd_ = CreateSignalFd();
  // Not the file of this thread: the kernel takes milliseconds to discard its
  // entry when a short-lived process ends.
  status_fd_ = OpenFile("/proc/self/status");
  initial_filter_count_ = ReadHostStatus(status_fd_).seccomp_filters;
  Rewind(status_fd_);
  check_interval_ms_ = kFirstCheckMs;
  return listener_fd_ >= 0 && signal_fd_ >= 0;
}

void AgentServer::Serve(const Jemallocs& jemallocs, const UidAllowlist& allowed,
                        ForkChecks* forks) {
  Next next = Next::kServe;
  while (next == Next::kServe) {
    pollfd ready[] = {{signal_fd_, POLLIN, 0},
                      {listener_fd_, POLLIN, 0},
                      {profile_listener_fd_, POLLIN, 0}};
    const int count =
        Poll(ready, profile_listener_fd_ < 0 ? 2 : 3, check_interval_ms_);
    // EINVAL: the host's RLIMIT_NOFILE is less than the number of
    // descriptors, so no call can wait.
    if (count < 0 && errno != EINTR) {
      next = Next::kClose;
      break;
    }
    if (count == 0) LengthenCheckInterval();
    HostStatus host;
    next = Check(count > 0 && ready[0].revents != 0, forks, &host);
    const bool has_client = count > 0 && ready[1].revents != 0;
    if (next == Next::kServe && has_client &&
        !Receive(jemallocs, allowed, host.name())) {
      next = Next::kClose;
    }
    const bool has_profile_client = count > 0 && ready[2].revents != 0;
    if (next == Next::kServe && has_profile_client &&
        !ReceiveProfile(allowed, host.name())) {
      next = Next::kClose;
    }
  }
  forks->Disable();
  if (next == Next::kClose) {
    SystemCall(SYS_close, listener_fd_);
    if (profile_listener_fd_ >= 0) SystemCall(SYS_close, profile_listener_fd_);
  }
  if (next != Next::kEnd) WaitForStop(signal_fd_, forks);
}

// Makes no system call but read(2) before the number of filters is known.
AgentServer::Next AgentServer::Check(bool is_signalled, ForkChecks* forks,
                                     HostStatus* host) {
  if (is_signalled) {
    WaitForSignal(signal_fd_);
    if (!forks->TakeRequest()) return Next::kEnd;
  }
  *host = ReadHostStatus(status_fd_);
  if (host->seccomp_filters != initial_filter_count_) return Next::kPause;
  Rewind(status_fd_);
  forks->CompleteAll();
  privileges_.Adopt(*host);
  // The main thread ended without the handlers of pthread_exit(3). A process
  // ends with its last thread, which the agent's must not be.
  const bool is_alone = host->is_zombie && host->threads == 2;
  return is_alone ? Next::kEnd : Next::kServe;
}

void AgentServer::LengthenCheckInterval() {
  check_interval_ms_ =
      std::min(2 * check_interval_ms_,
               privileges_.any() ? kPrivilegedCheckMs : kOtherCheckMs);
}

bool AgentServer::Receive(const Jemallocs& jemallocs,
                          const UidAllowlist& allowed,
                          std::string_view name) const {
  sockaddr_un client = {};
  socklen_t size = sizeof(client);
  const auto peer = static_cast<int>(
      SystemCall(SYS_accept4, listener_fd_, &client, &size, SOCK_CLOEXEC));
  if (peer < 0) return WaitAfterError();
  if (IsAllowed(peer, allowed)) {
    SendResponse(jemallocs, name, ParseDetailRequest(client, size), peer);
  }
  SystemCall(SYS_close, peer);
  return true;
}

// The descriptor is closed as soon as it is sent: the file is charged to the
// host's memory.
bool AgentServer::ReceiveProfile(const UidAllowlist& allowed,
                                 std::string_view name) const {
  const auto peer = static_cast<int>(SystemCall(
      SYS_accept4, profile_listener_fd_, nullptr, nullptr, SOCK_CLOEXEC));
  if (peer < 0) return WaitAfterError();
  if (IsAllowed(peer, allowed)) {
    const int file = DumpProfile(profiled_);
    SendProfile(peer, name.empty() ? name_ : name, JemallocVersion(profiled_),
                file);
    if (file >= 0) SystemCall(SYS_close, file);
  }
  SystemCall(SYS_close, peer);
  return true;
}

// Two functions, so that no more of the stack is used than a response takes: a
// host's thread-local variables share it.
void AgentServer::SendResponse(const Jemallocs& jemallocs,
                               std::string_view name, HeapDetailSets requested,
                               int peer) const {
  const std::string_view comm = name.empty() ? name_ : name;
  if (requested.any()) {
    SendDetails(jemallocs, comm, requested, peer);
  } else {
    SendState(jemallocs, comm, peer);
  }
}

}  // namespace jemalloc_exporter
