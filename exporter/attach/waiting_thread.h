#ifndef JEMALLOC_EXPORTER_EXPORTER_ATTACH_WAITING_THREAD_H_
#define JEMALLOC_EXPORTER_EXPORTER_ATTACH_WAITING_THREAD_H_

#include <sys/types.h>

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

namespace jemalloc_exporter {

/// The system call in which a thread waits.
struct WaitingCall {
  std::int64_t number = -1;
  std::array<std::uint64_t, 6> arguments{};
};

/// Whether a thread of `pid` in this call can be inside neither malloc nor the
/// dynamic linker: the call waits for events, connections, children, a time or
/// a condition variable. Locks wait in FUTEX_WAIT, which is excluded; glibc's
/// condition variables, semaphores and joins wait in FUTEX_WAIT_BITSET.
bool IsSafeWait(pid_t pid, const WaitingCall& call);

/// Parses the text of /proc/PID/task/TID/syscall; absent for a thread that runs
/// or waits outside of a system call.
std::optional<WaitingCall> ParseWaitingCall(std::string_view text);

/// The threads that wait in such a call now, the main thread first. Threads of
/// jemalloc and of the agent are not among them.
std::vector<pid_t> FindWaitingThreads(pid_t pid);

}  // namespace jemalloc_exporter

#endif  // JEMALLOC_EXPORTER_EXPORTER_ATTACH_WAITING_THREAD_H_
