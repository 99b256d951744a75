#include "exporter/attach/lock_owner.h"

#include <linux/futex.h>
#include <sys/syscall.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <string>
#include <thread>
#include <vector>

#include "exporter/agent/protocol.h"
#include "exporter/attach/remote_memory.h"
#include "exporter/attach/target_process.h"
#include "exporter/attach/thread_list.h"
#include "exporter/attach/waiting_thread.h"

namespace jemalloc_exporter {
namespace {

// struct __pthread_mutex_s: lock, count, owner.
constexpr std::uint64_t kGlibcOwner = 2 * sizeof(std::uint32_t);

// musl's lock word has the thread and flags in the upper bits.
constexpr std::uint32_t kMuslThread = 0x3FFFFFFF;

// The thread that has this id in its own pid namespace, which its locks have;
// 0 if the process has none such.
pid_t FindThread(pid_t pid, std::uint32_t namespace_id) {
  for (const pid_t thread : ListThreads(pid)) {
    const pid_t id = NamespaceId(ReadThreadFile(pid, thread, "status"));
    if (id > 0 && static_cast<std::uint32_t>(id) == namespace_id) return thread;
  }
  return 0;
}

// The thread that owns a lock; 0 if none is known.
pid_t FindOwner(pid_t pid, std::uint64_t futex) {
  std::array<std::uint32_t, 2> owners{};
  ReadMemory(pid, futex + kGlibcOwner, owners.data(), sizeof(owners[0]));
  ReadMemory(pid, futex, &owners[1], sizeof(owners[1]));
  owners[1] &= kMuslThread;
  for (const std::uint32_t owner : owners) {
    if (owner == 0) continue;
    const pid_t found = FindThread(pid, owner);
    if (found != 0) return found;
  }
  return 0;
}

// The agent's thread acquires no lock of the process.
bool HasOtherThreads(pid_t pid, pid_t thread) {
  const std::vector<pid_t> threads = ListThreads(pid);
  return std::any_of(threads.begin(), threads.end(), [&](pid_t other) {
    return other != thread && ReadThreadName(pid, other) != kThreadName;
  });
}

// Follows the owners of locks that wait for other locks.
bool IsHeldForEver(pid_t pid, pid_t thread, std::uint64_t futex) {
  constexpr int kMaxOwners = 32;
  for (int i = 0; i < kMaxOwners; ++i) {
    const pid_t owner = FindOwner(pid, futex);
    if (owner == 0) return !HasOtherThreads(pid, thread);
    if (owner == thread) return true;
    const std::string status = ReadThreadFile(pid, owner, "status");
    if (!StatusField(status, "State").starts_with('S')) return false;
    const auto call = ParseWaitingCall(ReadThreadFile(pid, owner, "syscall"));
    if (!call) return false;
    const bool waits_for_lock = call->number == SYS_futex &&
                                (static_cast<unsigned>(call->arguments[1]) &
                                 FUTEX_CMD_MASK) == FUTEX_WAIT;
    if (!waits_for_lock) return true;
    futex = call->arguments[0];
  }
  return true;
}

}  // namespace

bool IsDeadlock(pid_t pid, pid_t thread, std::uint64_t futex) {
  constexpr int kLooks = 10;
  constexpr auto kPause = kDeadlockExamination / (kLooks - 1);
  for (int i = 0; i < kLooks; ++i) {
    if (i > 0) std::this_thread::sleep_for(kPause);
    if (!IsHeldForEver(pid, thread, futex)) return false;
  }
  return true;
}

}  // namespace jemalloc_exporter
