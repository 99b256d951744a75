#include "exporter/attach/waiting_thread.h"

#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <string>
#include <system_error>

#include "exporter/agent/protocol.h"
#include "exporter/attach/thread_list.h"

namespace jemalloc_exporter {
namespace {

// Each returns when there is something to do, or after a time.
constexpr std::int64_t kWaits[] = {
    SYS_accept,      SYS_accept4,         SYS_clock_nanosleep,
    SYS_epoll_pwait, SYS_epoll_pwait2,    SYS_ppoll,
    SYS_pselect6,    SYS_recvfrom,        SYS_recvmsg,
    SYS_recvmmsg,    SYS_restart_syscall, SYS_rt_sigsuspend,
    SYS_nanosleep,   SYS_rt_sigtimedwait, SYS_wait4,
    SYS_waitid,
#ifdef __x86_64__
    SYS_epoll_wait,  SYS_pause,           SYS_poll,
    SYS_select,
#endif
};

// The names of threads that hold locks of jemalloc, or belong to the agent.
constexpr std::string_view kExcludedThreads[] = {"jemalloc_bg_thd",
                                                 kThreadName};

// A file on a disk is read inside of libraries, too.
bool IsStream(pid_t pid, std::uint64_t descriptor) {
  const std::string link =
      "/proc/" + std::to_string(pid) + "/fd/" + std::to_string(descriptor);
  std::array<char, 64> target{};
  const ssize_t size = readlink(link.c_str(), target.data(), target.size());
  if (size <= 0) return false;
  const std::string_view name(target.data(), static_cast<std::size_t>(size));
  return name.starts_with("pipe:") || name.starts_with("socket:") ||
         name.starts_with("anon_inode:") || name.starts_with("/dev/pts/") ||
         name.starts_with("/dev/tty");
}

bool IsExcluded(pid_t pid, pid_t thread) {
  return std::find(std::begin(kExcludedThreads), std::end(kExcludedThreads),
                   ReadThreadName(pid, thread)) != std::end(kExcludedThreads);
}

}  // namespace

bool IsSafeWait(pid_t pid, const WaitingCall& call) {
  if (call.number == SYS_futex) {
    const auto operation =
        static_cast<unsigned>(call.arguments[1]) & FUTEX_CMD_MASK;
    return operation == FUTEX_WAIT_BITSET;
  }
  if (call.number == SYS_read) return IsStream(pid, call.arguments[0]);
  return std::find(std::begin(kWaits), std::end(kWaits), call.number) !=
         std::end(kWaits);
}

std::optional<WaitingCall> ParseWaitingCall(std::string_view text) {
  const char* const end = text.data() + text.size();
  WaitingCall call;
  auto [at, error] = std::from_chars(text.data(), end, call.number);
  if (error != std::errc() || call.number < 0) return std::nullopt;
  for (std::uint64_t& argument : call.arguments) {
    constexpr std::string_view kSeparator = " 0x";
    if (!std::string_view(at, end).starts_with(kSeparator)) {
      return std::nullopt;
    }
    const auto result =
        std::from_chars(at + kSeparator.size(), end, argument, 16);
    if (result.ec != std::errc()) return std::nullopt;
    at = result.ptr;
  }
  return call;
}

std::vector<pid_t> FindWaitingThreads(pid_t pid) {
  std::vector<pid_t> waiting;
  for (const pid_t thread : ListThreads(pid)) {
    const auto call = ParseWaitingCall(ReadThreadFile(pid, thread, "syscall"));
    if (call && IsSafeWait(pid, *call) && !IsExcluded(pid, thread)) {
      waiting.push_back(thread);
    }
  }
  return waiting;
}

}  // namespace jemalloc_exporter
