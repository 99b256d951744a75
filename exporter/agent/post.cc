#include "exporter/agent/post.h"

#include <fcntl.h>
#include <linux/close_range.h>
#include <poll.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <charconv>
#include <csignal>
#include <cstdint>
#include <string_view>

#include "collector/jemalloc/heap_refresh.h"
#include "exporter/agent/answer_writer.h"
#include "exporter/agent/wire.h"

namespace jemalloc_exporter {
namespace {

// A few readers at the same time. What a stopped host leaves unanswered is
// bounded by it, too.
constexpr int kBacklog = 16;

// How long to wait where the machine has no memory for a connection.
constexpr int kPauseMs = 100;

bool LeaveHostsDescriptors() {
  return syscall(SYS_close_range, 0U, ~0U, CLOSE_RANGE_UNSHARE) == 0;
}

// A host that shares its working directory with a thread may not enter a mount
// namespace. Where this is forbidden, the host is in a container and seldom
// may.
void LeaveHostsFolder() { unshare(CLONE_FS); }

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

// Blocks `Post::kLeave` and makes a descriptor that is readable once it comes.
// The raw calls, because glibc keeps the signal from its callers.
int OpenLeave() {
  const std::uint64_t mask = std::uint64_t{1} << (Post::kLeave - 1);
  if (syscall(SYS_rt_sigprocmask, SIG_BLOCK, &mask, nullptr, sizeof(mask)) !=
      0) {
    return -1;
  }
  return static_cast<int>(
      syscall(SYS_signalfd4, -1, &mask, sizeof(mask), SFD_CLOEXEC));
}

void WaitToLeave(int leave) {
  signalfd_siginfo info;
  while (read(leave, &info, sizeof(info)) < 0 && errno == EINTR) {
  }
}

std::string_view Read(int file, char* buffer, std::size_t size) {
  const ssize_t bytes = read(file, buffer, size);
  return {buffer, bytes > 0 ? static_cast<std::size_t>(bytes) : 0};
}

// How many seccomp filters the main thread is under, -1 where that is unknown.
// A filter for all threads may kill for anything but read(2), so the file is
// open, and at its start, already. Not the file of this thread: to forget that
// one takes the kernel milliseconds when a short-lived process ends.
int ReadSeccompFilters(int status) {
  char buffer[4096];
  const std::string_view text = Read(status, buffer, sizeof(buffer));
  constexpr std::string_view kKey = "\nSeccomp_filters:\t";
  const auto key = text.find(kKey);
  if (key == std::string_view::npos) return -1;
  int filters = -1;
  std::from_chars(text.data() + key + kKey.size(), text.data() + text.size(),
                  filters);
  return filters;
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
  if (!LeaveHostsDescriptors()) return false;
  LeaveHostsFolder();
  listener_ = Listen();
  leave_ = OpenLeave();
  comm_ = open("/proc/self/comm", O_RDONLY | O_CLOEXEC);
  status_ = open("/proc/self/status", O_RDONLY | O_CLOEXEC);
  filters_ = ReadSeccompFilters(status_);
  Rewind(status_);
  return listener_ >= 0 && leave_ >= 0;
}

void Post::Serve(Mallctl* mallctl, const AllowedUids& allowed) const {
  for (;;) {
    pollfd ready[] = {{leave_, POLLIN, 0}, {listener_, POLLIN, 0}};
    if (poll(ready, 2, -1) < 0) {
      if (errno == EINTR) continue;
      break;
    }
    if (ready[0].revents != 0) return;
    if (ReadSeccompFilters(status_) != filters_) return WaitToLeave(leave_);
    if (!Receive(mallctl, allowed)) break;
    Rewind(status_);
  }
  close(listener_);
  WaitToLeave(leave_);
}

// False when the host has taken the right to descriptors away, even few.
bool Post::Receive(Mallctl* mallctl, const AllowedUids& allowed) const {
  const int peer = accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
  if (peer < 0) {
    if (errno == EMFILE) return false;
    if (errno != EAGAIN && errno != EINTR) poll(nullptr, 0, kPauseMs);
    return true;
  }
  if (IsAllowed(peer, allowed)) SendAnswer(mallctl, peer);
  close(peer);
  return true;
}

// One send that does not wait: the socket is new, so all of the document fits
// and no peer can hold the thread up.
void Post::SendAnswer(Mallctl* mallctl, int peer) const {
  char buffer[kMaxCommSize + 1];
  std::string_view comm = Read(comm_, buffer, sizeof(buffer));
  Rewind(comm_);
  if (comm.empty()) comm = name_;
  if (comm.ends_with('\n')) comm.remove_suffix(1);
  char document[kMaxDocumentSize];
  const char* const end = WriteAnswer({.pid = getpid(),
                                       .comm = comm,
                                       .jemalloc_version = ReadVersion(mallctl),
                                       .heap = RefreshHeap(mallctl)},
                                      document);
  send(peer, document, static_cast<std::size_t>(end - document),
       MSG_DONTWAIT | MSG_NOSIGNAL);
}

}  // namespace jemalloc_exporter
