#include "exporter/attach/lock_owner.h"

#include <dirent.h>
#include <linux/futex.h>
#include <sys/syscall.h>

#include <array>
#include <chrono>
#include <memory>
#include <string>
#include <string_view>
#include <thread>

#include "exporter/attach/remote_memory.h"
#include "exporter/attach/target_process.h"
#include "exporter/attach/waiting_thread.h"
#include "exporter/process/proc_file.h"

namespace jemalloc_exporter {
namespace {

// struct __pthread_mutex_s: lock, count, owner.
constexpr std::uint64_t kGlibcOwner = 2 * sizeof(std::uint32_t);

// musl's lock word has the thread and flags in the upper bits.
constexpr std::uint32_t kMuslThread = 0x3FFFFFFF;

// The id of a thread in its own pid namespace, which its locks have.
std::string NamespaceId(std::string_view status) {
  const std::string_view ids = StatusField(status, "NSpid");
  const auto last = ids.rfind('\t');
  return std::string(last == std::string_view::npos ? ids
                                                    : ids.substr(last + 1));
}

std::string ReadStatus(pid_t pid, std::string_view thread) {
  return ReadProcFile("/proc/" + std::to_string(pid) + "/task/" +
                      std::string(thread) + "/status");
}

// The entry of /proc/PID/task of a thread; empty if the process has none such.
std::string FindThread(pid_t pid, const std::string& namespace_id) {
  const std::string path = "/proc/" + std::to_string(pid) + "/task";
  const std::unique_ptr<DIR, int (*)(DIR*)> listing(opendir(path.c_str()),
                                                    closedir);
  while (const dirent* const entry =
             listing ? readdir(listing.get()) : nullptr) {
    if (entry->d_name[0] == '.') continue;
    if (NamespaceId(ReadStatus(pid, entry->d_name)) == namespace_id) {
      return entry->d_name;
    }
  }
  return {};
}

// The entry of the thread that owns a lock; empty if none is known.
std::string FindOwner(pid_t pid, std::uint64_t futex) {
  std::array<std::uint32_t, 2> owners{};
  ReadMemory(pid, futex + kGlibcOwner, owners.data(), sizeof(owners[0]));
  ReadMemory(pid, futex, &owners[1], sizeof(owners[1]));
  owners[1] &= kMuslThread;
  for (const std::uint32_t owner : owners) {
    if (owner == 0) continue;
    std::string found = FindThread(pid, std::to_string(owner));
    if (!found.empty()) return found;
  }
  return {};
}

// Follows the owners of locks that wait for other locks.
bool IsHeldForEver(pid_t pid, pid_t thread, std::uint64_t futex) {
  constexpr int kMaxOwners = 32;
  for (int i = 0; i < kMaxOwners; ++i) {
    const std::string owner = FindOwner(pid, futex);
    if (owner.empty()) return false;
    if (owner == std::to_string(thread)) return true;
    if (!StatusField(ReadStatus(pid, owner), "State").starts_with('S')) {
      return false;
    }
    const auto call = ParseWaitingCall(ReadProcFile(
        "/proc/" + std::to_string(pid) + "/task/" + owner + "/syscall"));
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
  constexpr std::chrono::milliseconds kPause{5};
  for (int i = 0; i < kLooks; ++i) {
    if (i > 0) std::this_thread::sleep_for(kPause);
    if (!IsHeldForEver(pid, thread, futex)) return false;
  }
  return true;
}

}  // namespace jemalloc_exporter
