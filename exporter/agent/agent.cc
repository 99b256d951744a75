// The agent: what LD_PRELOAD brings into a stranger's program. It never makes
// the program fail, hang, print, or behave otherwise than without it.
//
// No exception leaves this file and no symbol does; whatever goes wrong, the
// agent stays away and says nothing.
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <sys/auxv.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstddef>
#include <cstdlib>

#include "exporter/agent/allowed_uids.h"
#include "exporter/agent/old_libc.h"
#include "exporter/agent/post.h"
#include "jemalloc_exporter/heap_reader.h"

// NOLINTNEXTLINE(bugprone-reserved-identifier): what __register_atfork takes.
extern "C" [[gnu::visibility("hidden")]] void* __dso_handle;

namespace jemalloc_exporter {
namespace {

// An answer takes some 10 KiB of it. A program that locks all of its memory
// pays for the whole.
constexpr std::size_t kStackSize = std::size_t{128} * 1024;

// For a program whose thread-local variables, which live on the stack, leave
// nothing of the other.
constexpr std::size_t kLargeStackSize = std::size_t{8} * 1024 * 1024;

struct Agent {
  Mallctl* mallctl = nullptr;
  AllowedUids allowed;
  int seccomp_mode = 0;         // When the program was loaded.
  pthread_key_t main_thread{};  // Its value is destroyed with the thread.
  pthread_t thread{};
  pid_t thread_id = 0;
  bool serves = false;
  sem_t opened{};
};

constinit Agent agent;

void* RunThread(void* /*unused*/) {
  Post post;
  agent.thread_id = static_cast<pid_t>(syscall(SYS_gettid));
  const bool serves = post.Open();
  agent.serves = serves;
  sem_post(&agent.opened);
  if (serves) post.Serve(agent.mallctl, agent.allowed);
  return nullptr;
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

// Waits until the thread listens, and lets it go on to where it rests: a
// program that next forbids itself what that takes must not be killed for it.
void StartThread() {
  sem_init(&agent.opened, 0, 0);
  agent.serves = false;
  if (CreateThread(kStackSize) || CreateThread(kLargeStackSize)) {
    while (sem_wait(&agent.opened) != 0) {
    }
    if (!agent.serves) pthread_join(agent.thread, nullptr);
    sched_yield();
  }
  pthread_setspecific(agent.main_thread, agent.serves ? &agent : nullptr);
}

// The program and each of its forked children comes by here, in the only
// thread that it has then.
//
// The thread is created with every signal blocked, so it takes none from the
// program. A child under a filter that the program was not loaded with is left
// alone: that may kill for creating a thread.
void Start() {
  const int saved_errno = errno;
  if (prctl(PR_GET_SECCOMP) == agent.seccomp_mode) {
    sigset_t all;
    sigset_t saved;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &saved);
    StartThread();
    pthread_sigmask(SIG_SETMASK, &saved, nullptr);
  }
  errno = saved_errno;
}

// The main thread left by pthread_exit. A process ends with its last thread,
// and the agent's must not be it.
void Leave(void* /*unused*/) {
  syscall(SYS_tgkill, getpid(), agent.thread_id, Post::kLeave);
  pthread_join(agent.thread, nullptr);
}

// A program of another libc is not served: what `Post` knows of signals is true
// of glibc. A program that comes by mallctl only later, through dlopen, is not
// served: its malloc is another one. Nor is one that runs with more rights than
// its user.
__attribute__((constructor)) void Load() {
  const int saved_errno = errno;
  agent.mallctl = FindMallctl();
  if (agent.mallctl == nullptr || __register_atfork == nullptr ||
      getauxval(AT_SECURE) != 0) {
    return;
  }
  agent.allowed = AllowedUids(std::getenv(kAllowUidVariable));
  agent.seccomp_mode = prctl(PR_GET_SECCOMP);
  if (pthread_key_create(&agent.main_thread, Leave) == 0) {
    Start();
    __register_atfork(nullptr, nullptr, Start, &__dso_handle);
  }
  errno = saved_errno;
}

}  // namespace
}  // namespace jemalloc_exporter
