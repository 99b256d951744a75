#include "exporter/agent/system_call_probe.h"

#include <fcntl.h>
#include <linux/futex.h>
#include <poll.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdint>

#include "exporter/agent/file_table.h"
#include "exporter/agent/host_status.h"
#include "exporter/agent/privileges.h"
#include "exporter/agent/system_call.h"

namespace jemalloc_exporter {
namespace {

constexpr const char* kStatus = "/proc/self/status";

// What pthread_create(3) and the end of a thread take, for no memory and no
// thread.
void TryThreadCalls() {
  SystemCall(SYS_mmap, nullptr, 0, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1,
             0);
  SystemCall(SYS_mprotect, nullptr, 0, PROT_NONE);
  SystemCall(SYS_munmap, nullptr, 0);
  SystemCall(SYS_madvise, nullptr, 0, MADV_DONTNEED);
#ifdef SYS_clone3
  SystemCall(SYS_clone3, nullptr, 0);
#endif
#ifdef SYS_rseq
  SystemCall(SYS_rseq, nullptr, 0, 0, 0);
#endif
  SystemCall(SYS_set_robust_list, nullptr, 0);
  SystemCall(SYS_rt_sigaction, SIGUSR1, nullptr, nullptr,
             sizeof(std::uint64_t));
  std::uint32_t word = 0;
  SystemCall(SYS_futex, &word, FUTEX_WAKE_PRIVATE, 0, nullptr, nullptr, 0);
  SystemCall(SYS_sched_yield);
  SystemCall(SYS_tgkill, SystemCall(SYS_getpid), SystemCall(SYS_gettid), 0);
}

void TrySocketCalls() {
  const auto listener = static_cast<int>(SystemCall(
      SYS_socket, AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  const sockaddr_un any_name = {.sun_family = AF_UNIX, .sun_path = {}};
  SystemCall(SYS_bind, listener, &any_name, sizeof(any_name.sun_family));
  SystemCall(SYS_listen, listener, 0);
  SystemCall(SYS_accept4, listener, nullptr, nullptr, SOCK_CLOEXEC);
  ucred credentials = {};
  socklen_t size = sizeof(credentials);
  SystemCall(SYS_getsockopt, listener, SOL_SOCKET, SO_PEERCRED, &credentials,
             &size);
  SystemCall(SYS_sendto, listener, "", 0, MSG_DONTWAIT | MSG_NOSIGNAL, nullptr,
             0);
  SystemCall(SYS_close, listener);
}

void TryOtherCalls() {
  constexpr unsigned kNoChange = ~0U;
  HostStatus host;
  host.threads = 1;
  for (uid_t& uid : host.uids) uid = kNoChange;
  for (gid_t& gid : host.gids) gid = kNoChange;
  Privileges privileges;
  privileges.DropAtStart();
  privileges.Adopt(host);
  char name[16] = {};
  SystemCall(SYS_prctl, PR_GET_NAME, name);
  SystemCall(SYS_prctl, PR_SET_NAME, name);
  UnshareFileDescriptors();
  UnshareFilesystemContext();
  const std::uint64_t mask = 0;
  SystemCall(SYS_rt_sigprocmask, SIG_BLOCK, &mask, nullptr, sizeof(mask));
  SystemCall(SYS_signalfd4, -1, &mask, sizeof(mask), SFD_CLOEXEC);
  Poll(nullptr, 0, 0);
  const int status = OpenFile(kStatus);
  ReadHostStatus(status);
  SystemCall(SYS_lseek, status, 0, SEEK_SET);
  SystemCall(SYS_close, status);
  SystemCall(SYS_geteuid);
}

// What `DumpProfile`, jemalloc in it, and `SendProfile` take.
void TryProfileCalls() {
  const auto file = static_cast<int>(
      SystemCall(SYS_memfd_create, "jemalloc_profile", MFD_ALLOW_SEALING));
  // A file that cannot exist: creat(2) empties others.
#ifdef SYS_creat
  SystemCall(SYS_creat, "/proc/thread-self/fd/", 0);
#else
  SystemCall(SYS_openat, AT_FDCWD, "/proc/thread-self/fd/",
             O_CREAT | O_WRONLY | O_TRUNC, 0);
#endif
  SystemCall(SYS_write, file, "", 0);
  const int maps = OpenFile("/proc/self/maps");
  char byte = 0;
  SystemCall(SYS_read, maps, &byte, 1);
  SystemCall(SYS_close, maps);
  SystemCall(SYS_lseek, file, 0, SEEK_END);
  rlimit limit = {};
  SystemCall(SYS_prlimit64, 0, RLIMIT_FSIZE, nullptr, &limit);
  SystemCall(SYS_fcntl, file, F_ADD_SEALS, F_SEAL_SEAL);
  const msghdr message = {};
  SystemCall(SYS_sendmsg, -1, &message, MSG_DONTWAIT | MSG_NOSIGNAL);
}

void TryAllCalls() {
  TryThreadCalls();
  TrySocketCalls();
  TryOtherCalls();
}

// Calls `try_calls` in a child process; false if it is killed. The raw call,
// without the handlers of fork(3).
bool IsSafeInChild(void (*try_calls)()) {
  const auto child = static_cast<pid_t>(
      SystemCall(SYS_clone, 0L, nullptr, nullptr, nullptr, nullptr));
  if (child == 0) {
    SystemCall(SYS_prctl, PR_SET_DUMPABLE, 0, 0, 0,
               0);  // No core is dumped of it.
    try_calls();
    for (;;) SystemCall(SYS_exit, 0);
  }
  int status = -1;
  while (child > 0 &&
         SystemCall(SYS_wait4, child, &status, __WALL, nullptr) < 0) {
    if (errno != EINTR) return false;
  }
  return child > 0 && WIFEXITED(status);
}

}  // namespace

int CountSeccompFilters() {
  const int status = OpenFile(kStatus);
  if (status < 0) return HostStatus::kUnknown;
  const int filters = ReadHostStatus(status).seccomp_filters;
  SystemCall(SYS_close, status);
  return filters;
}

bool AreSystemCallsSafe() { return IsSafeInChild(TryAllCalls); }

bool AreProfileSystemCallsSafe() { return IsSafeInChild(TryProfileCalls); }

}  // namespace jemalloc_exporter
