// The agent: loaded into a host process by LD_PRELOAD. It never makes the host
// fail, hang, print, or behave otherwise than without it.
//
// No exception leaves this file and no symbol is exported. On any error the
// agent does not start, without a message.
#include <elf.h>
#include <link.h>
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <sys/auxv.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstddef>
#include <cstdlib>

#include "exporter/agent/agent_server.h"
#include "exporter/agent/find_jemalloc.h"
#include "exporter/agent/fork_checks.h"
#include "exporter/agent/glibc_compat.h"
#include "exporter/agent/profile_dump.h"
#include "exporter/agent/protocol.h"
#include "exporter/agent/start_conditions.h"
#include "exporter/agent/system_call.h"
#include "exporter/agent/system_call_probe.h"
#include "exporter/agent/uid_allowlist.h"

// NOLINTNEXTLINE(bugprone-reserved-identifier): __register_atfork takes it.
extern "C" [[gnu::visibility("hidden")]] void* __dso_handle;

// Of ThreadSanitizer.
// NOLINTNEXTLINE(bugprone-reserved-identifier)
extern "C" [[gnu::weak]] void __tsan_init();

namespace jemalloc_exporter {
namespace {

// A response takes about 20 KiB of it, one with details 70 KiB, and jemalloc's
// refresh 8 bytes for each arena. A host that locks its memory locks all
// of it. With less than PTHREAD_STACK_MIN of 64-bit Arm no thread is created.
constexpr std::size_t kStackSize = std::size_t{128} * 1024;
static_assert(kStackSize >= 131072);

// For a program that still leaves nothing of the other.
constexpr std::size_t kLargeStackSize = std::size_t{8} * 1024 * 1024;

struct Agent {
  Jemallocs jemallocs;
  Mallctl* profiled = nullptr;  // Of the jemalloc that samples allocations.
  UidAllowlist allowlist;
  std::size_t stack_size = kStackSize;
  ForkChecks forks;
  pthread_key_t main_thread{};  // Its value is destroyed with the thread.
  pthread_t thread{};
  bool is_loaded = false;    // Its conditions to start are met.
  bool is_joinable = false;  // `thread` has been started in this process.
  pid_t process = 0;         // That the thread was started in.
  std::atomic<pid_t> thread_id = 0;  // 0 once it has ended.
  sem_t ready{};
};

constinit Agent agent;

void* RunThread(void* /*unused*/) {
  AgentServer server;
  const bool is_open = server.Open(agent.profiled);
  if (is_open) {
    agent.thread_id = static_cast<pid_t>(SystemCall(SYS_gettid));
    agent.forks.Reset(agent.process, agent.thread_id,
                      server.initial_filter_count());
  }
  sem_post(&agent.ready);
  if (is_open) server.Serve(agent.jemallocs, agent.allowlist, &agent.forks);
  agent.thread_id = 0;
  return nullptr;
}

// The most bytes that glibc takes of a thread's stack for the thread-local
// variables of all objects. It does not add them to a requested size.
std::size_t ThreadLocalBytes() {
  std::size_t bytes = 0;
  dl_iterate_phdr(
      [](dl_phdr_info* object, std::size_t, void* sum) {
        for (int i = 0; i < object->dlpi_phnum; ++i) {
          const auto& header = object->dlpi_phdr[i];
          if (header.p_type != PT_TLS) continue;
          *static_cast<std::size_t*>(sum) += header.p_memsz + header.p_align;
        }
        return 0;
      },
      &bytes);
  return bytes;
}

bool CreateThread(std::size_t stack_size) {
  pthread_attr_t attributes;
  if (pthread_attr_init(&attributes) != 0) return false;
  const bool created =
      pthread_attr_setstacksize(&attributes, stack_size) == 0 &&
      pthread_create(&agent.thread, &attributes, RunThread, nullptr) == 0;
  pthread_attr_destroy(&attributes);
  return created;
}

void ClearState() {
  agent.thread_id = 0;
  agent.is_joinable = false;
  agent.forks.Disable();
  pthread_setspecific(agent.main_thread, nullptr);
}

// Waits until the thread listens, and yields to let it enter poll(2): a filter
// that the host installs next must not kill it for the calls before.
void StartThread() {
  sem_init(&agent.ready, 0, 0);
  agent.process = GetPid();
  if (!CreateThread(agent.stack_size) && !CreateThread(kLargeStackSize)) return;
  while (sem_wait(&agent.ready) != 0) {
  }
  if (agent.thread_id == 0) {
    pthread_join(agent.thread, nullptr);
    return;
  }
  agent.is_joinable = true;
  // `jemalloc_exporter attach` loads the agent in any thread of the host.
  if (SystemCall(SYS_gettid) == agent.process) {
    pthread_setspecific(agent.main_thread, &agent);
  }
  SystemCall(SYS_sched_yield);
}

// The thread is created with every signal blocked, so that it takes none of the
// host's.
void StartInThisProcess() {
  const int saved_errno = errno;
  sigset_t all;
  sigset_t saved;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &saved);
  StartThread();
  pthread_sigmask(SIG_SETMASK, &saved, nullptr);
  errno = saved_errno;
}

void BeforeFork() {
  const int saved_errno = errno;
  agent.forks.Prepare();
  errno = saved_errno;
}

void AfterForkInParent() { agent.forks.Finish(); }

// Makes no system call unless the check before the fork has shown that they are
// safe: see ForkChecks.
void AfterForkInChild() {
  const bool is_safe = agent.forks.Finish();
  ClearState();
  if (is_safe) StartInThisProcess();
}

// The main thread has called pthread_exit(3). A process ends with its last
// thread, and the agent's must not be it. A child of a raw clone(2) has a copy
// of all this, but not the thread.
void OnMainThreadExit(void* /*unused*/) {
  const pid_t thread_id = agent.thread_id;
  if (thread_id == 0 || GetPid() != agent.process) return;
  const auto sent =
      SystemCall(SYS_tgkill, agent.process, thread_id, kStopSignal);
  // Without room in RLIMIT_SIGPENDING, the thread ends after its next check.
  if (sent == 0) pthread_join(agent.thread, nullptr);
}

// A program of another libc is not served: only glibc is known to leave
// `kStopSignal` free. Nor is one with more privileges than its user.
// ThreadSanitizer terminates a forked child that starts a thread, if there was
// another one before the fork.
bool IsAllowed() {
  if (__register_atfork == nullptr || __tsan_init != nullptr ||
      getauxval(AT_SECURE) != 0 || IsOff(kAgentVariable)) {
    return false;
  }
  const char* const excluded = std::getenv(kAgentExcludeVariable);
  return !IsProgramExcluded(excluded != nullptr ? excluded : "");
}

// A program that loads jemalloc later, by dlopen(3), is not served. A jemalloc
// with a prefix does not replace malloc(3), nor is it meant to.
bool MayStart() {
  if (!IsAllowed()) return false;
  agent.jemallocs = FindJemallocs();
  if (agent.jemallocs.empty()) return false;
  Mallctl* const unprefixed = agent.jemallocs.Find("");
  if (unprefixed != nullptr && !IsHostAllocator(unprefixed)) return false;
  const bool is_filtered = CountSeccompFilters() != 0;
  // The probe's child would copy the page tables of a process that has run for
  // long, and `attach` stops one of its threads meanwhile.
  if (is_filtered && !IsLoadedByAttach() && !AreSystemCallsSafe()) return false;
  agent.profiled = FindProfiledJemalloc(agent.jemallocs);
  if (agent.profiled != nullptr && is_filtered &&
      !AreProfileSystemCallsSafe()) {
    agent.profiled = nullptr;
  }
  return true;
}

__attribute__((constructor)) void OnLoad() {
  const int saved_errno = errno;
  if (MayStart() &&
      pthread_key_create(&agent.main_thread, OnMainThreadExit) == 0) {
    agent.stack_size += ThreadLocalBytes();
    agent.allowlist = UidAllowlist(std::getenv(kAllowUidVariable));
    agent.is_loaded = true;
    StartInThisProcess();
    if (agent.thread_id != 0 && !IsOff(kAgentForkVariable)) {
      __register_atfork(BeforeFork, AfterForkInParent, AfterForkInChild,
                        &__dso_handle);
    }
  }
  errno = saved_errno;
}

}  // namespace

// Starts the thread again after `kStopSignal` has ended it: for
// `jemalloc_exporter attach`, which calls it by its address in .symtab.
extern "C" [[gnu::visibility("hidden"), gnu::used]] void
jemalloc_exporter_agent_start() {
  if (!agent.is_loaded || agent.thread_id != 0) return;
  if (agent.is_joinable && agent.process == GetPid()) {
    pthread_join(agent.thread, nullptr);
    agent.is_joinable = false;
  }
  StartInThisProcess();
}

}  // namespace jemalloc_exporter
