// A host that is read or attached to while it waits, in each system call that a
// program waits in. Prints how many waits failed with EINTR or ended early, and
// by how much the latest was late, when stdin has a byte.

#include <dlfcn.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <sys/epoll.h>
#include <sys/prctl.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <iterator>
#include <string>
#include <string_view>
#include <thread>

#ifdef HOST_MALLOC
extern "C" void* HOST_MALLOC(std::size_t size);
#endif

namespace {

using Clock = std::chrono::steady_clock;
using Microseconds = std::chrono::microseconds;

constexpr int kTimeoutMs = 10;
constexpr long kMillisecondNs = 1'000'000;
// The kernel's timers have this slack, and more.
constexpr Microseconds kEarly{200};

#ifdef HOST_MALLOC
void* AllocateBytes(std::size_t size) { return HOST_MALLOC(size); }
#else
void* AllocateBytes(std::size_t size) { return std::malloc(size); }
#endif

// An allocation that lasts until the process ends.
void* volatile heap;

bool HasInput() {
  pollfd event = {STDIN_FILENO, POLLIN, 0};
  return poll(&event, 1, 0) > 0;
}

timespec Timeout() { return {0, kTimeoutMs * kMillisecondNs}; }

int WaitInEpoll() {
  static const int epoll = epoll_create1(EPOLL_CLOEXEC);
  epoll_event event;
  return epoll_wait(epoll, &event, 1, kTimeoutMs);
}

// SIGUSR2 is blocked but while it waits.
int WaitInEpollPwait() {
  static const int epoll = epoll_create1(EPOLL_CLOEXEC);
  epoll_event event;
  sigset_t none;
  sigemptyset(&none);
  return epoll_pwait(epoll, &event, 1, kTimeoutMs, &none);
}

int WaitInPoll() { return poll(nullptr, 0, kTimeoutMs); }

int WaitInSelect() {
  timeval timeout = {0, kTimeoutMs * 1000};
  return select(0, nullptr, nullptr, nullptr, &timeout);
}

int WaitInNanosleep() {
  const timespec timeout = Timeout();
  return nanosleep(&timeout, nullptr);
}

int WaitForCondition() {
  static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
  static pthread_cond_t condition = PTHREAD_COND_INITIALIZER;
  timespec end;
  clock_gettime(CLOCK_REALTIME, &end);
  end.tv_nsec += kTimeoutMs * kMillisecondNs;
  if (end.tv_nsec >= 1000 * kMillisecondNs) {
    end.tv_nsec -= 1000 * kMillisecondNs;
    ++end.tv_sec;
  }
  pthread_mutex_lock(&mutex);
  pthread_cond_timedwait(&condition, &mutex, &end);
  pthread_mutex_unlock(&mutex);
  return 0;
}

int WaitForSignal() {
  const timespec timeout = Timeout();
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGUSR2);
  return sigtimedwait(&set, nullptr, &timeout);
}

int WaitInAccept() {
  static const int listener = [] {
    const int socket_fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    listen(socket_fd, 1);
    const timeval timeout = {0, kTimeoutMs * 1000};
    setsockopt(socket_fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof(timeout));
    return socket_fd;
  }();
  return accept(listener, nullptr, nullptr);
}

struct Wait {
  std::string_view name;
  int (*call)();
};

constexpr Wait kWaits[] = {
    {"epoll", WaitInEpoll},
    {"epoll-pwait", WaitInEpollPwait},
    {"poll", WaitInPoll},
    {"select", WaitInSelect},
    {"nanosleep", WaitInNanosleep},
    {"futex", WaitForCondition},
    {"sigtimedwait", WaitForSignal},
    {"accept", WaitInAccept},
};

// Threads that never stop.
void Allocate() {
  for (unsigned i = 1;; ++i) {
    void* volatile block = std::malloc(std::size_t{i} * 7919 % 65536);
    std::free(block);
  }
}

void Load() {
  for (;;) {
#ifndef STATIC
    if (void* const library = dlopen("libutil.so.1", RTLD_NOW)) {
      dlclose(library);
    }
#endif
  }
}

template <typename Function>
void Start(int count, Function* function) {
  for (int i = 0; i < count; ++i) std::thread(function).detach();
}

std::atomic<int> alarms = 0;
std::atomic<int> alarms_in_wait = 0;
std::atomic<bool> is_waiting = false;

void OnAlarm(int /*unused*/) {
  ++alarms;
  if (is_waiting) ++alarms_in_wait;
}

void PollInHandler(int /*unused*/) { poll(nullptr, 0, 5); }

void StartTimer(void (*handler)(int)) {
  struct sigaction action = {};
  action.sa_handler = handler;
  sigaction(SIGALRM, &action, nullptr);
  const itimerval millisecond = {{0, 1000}, {0, 1000}};
  setitimer(ITIMER_REAL, &millisecond, nullptr);
}

int Measure(int (*wait)()) {
  int rounds = 0;
  int interrupted = 0;
  int early = 0;
  Microseconds late{};
  while (!HasInput()) {
    errno = 0;
    const auto start = Clock::now();
    const int result = wait();
    const int error = errno;
    const auto time =
        std::chrono::duration_cast<Microseconds>(Clock::now() - start);
    ++rounds;
    constexpr Microseconds kTimeout{kTimeoutMs * 1000};
    if (result < 0 && error == EINTR) ++interrupted;
    if (time < kTimeout - kEarly) ++early;
    late = std::max(late, time - kTimeout);
  }
  sigset_t mask;
  sigprocmask(SIG_SETMASK, nullptr, &mask);
  const bool is_mask_kept =
      sigismember(&mask, SIGUSR2) == 1 && sigismember(&mask, SIGUSR1) == 0;
  std::printf("rounds %d eintr %d early %d late_us %lld mask %s\n", rounds,
              interrupted, early, static_cast<long long>(late.count()),
              is_mask_kept ? "kept" : "changed");
  return 0;
}

// Each signal that arrives in the wait ends it, and no other does.
int MeasureSignals() {
  int interrupted = 0;
  int timeouts = 0;
  while (!HasInput()) {
    const int before = alarms;
    const int result = poll(nullptr, 0, 1000);
    if (result < 0 && errno == EINTR) {
      ++interrupted;
      if (alarms == before) ++timeouts;  // No handler ran.
    }
  }
  std::printf("eintr %d without_handler %d\n", interrupted, timeouts);
  return 0;
}

// A filter that kills for the calls that map memory, open files or start
// threads.
void Seal() {
#define KILL(name)                                       \
  BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_##name, 0, 1), \
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS)
  sock_filter filter[] = {
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
      KILL(mmap),
      KILL(munmap),
      KILL(madvise),
      KILL(openat),
      KILL(clone),
      KILL(clone3),
      KILL(socket),
      KILL(memfd_create),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
  };
#undef KILL
  const sock_fprog program = {std::size(filter), filter};
  if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 ||
      prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) != 0) {
    _exit(1);
  }
}

[[noreturn]] void Spin() {
  for (;;) heap = std::malloc(1 + reinterpret_cast<std::uintptr_t>(&heap) % 64);
}

// Executes this program again and again, after waits of up to 30 ms, until
// stdin has a byte.
int ExecuteAgain(char** argv) {
  const long executed = std::strtol(argv[2], nullptr, 10);
  pollfd event = {STDIN_FILENO, POLLIN, 0};
  if (poll(&event, 1, 1 + static_cast<int>(executed * 7 % 30)) > 0) {
    std::printf("executed %ld\n", executed);
    return 0;
  }
  std::string next = std::to_string(executed + 1);
  char* const arguments[] = {argv[0], argv[1], next.data(), nullptr};
  execv("/proc/self/exe", arguments);
  return 1;
}

[[noreturn]] void AllocateBelowHandlers() {
  for (;;) {
    for (std::size_t size = 16; size < (std::size_t{1} << 21); size *= 2) {
      void* volatile block = std::malloc(size);
      std::free(block);
    }
  }
}

}  // namespace

int main(int argc, char** argv) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  const std::string_view mode = argc > 1 ? argv[1] : "";
  heap = AllocateBytes(std::size_t{1} << 20);
  if (mode == "exec" || mode == "exec-thread") {
    if (argc < 3) {
      std::printf("ready\n");
      std::fflush(stdout);
    }
    static char first[] = "0";
    char* arguments[] = {argv[0], argv[1], argc < 3 ? first : argv[2]};
    if (mode == "exec") return ExecuteAgain(arguments);
    // The kernel ends the main thread when another one executes a program.
    std::thread([&] { std::exit(ExecuteAgain(arguments)); }).detach();
    for (;;) poll(nullptr, 0, -1);
  }
  sigset_t blocked;
  sigemptyset(&blocked);
  sigaddset(&blocked, SIGUSR2);
  sigprocmask(SIG_SETMASK, &blocked, nullptr);
  if (mode == "sealed") Seal();
  if (mode == "sealed-thread") {
    std::atomic<bool> is_sealed = false;
    std::thread([&is_sealed] {
      Seal();
      is_sealed = true;
      for (;;) poll(nullptr, 0, -1);
    }).detach();
    while (!is_sealed) {
    }
  }
  if (mode == "signals") StartTimer(OnAlarm);
  if (mode == "handler") StartTimer(PollInHandler);
  if (mode == "malloc") Start(8, Allocate);
  if (mode == "dlopen") Start(2, Load);
  std::printf("ready\n");
  std::fflush(stdout);
  if (mode == "signals") return MeasureSignals();
  if (mode == "spin" || mode == "sealed-thread") Spin();
  if (mode == "handler") AllocateBelowHandlers();
  const auto* const wait =
      std::find_if(std::begin(kWaits), std::end(kWaits),
                   [&](const Wait& w) { return w.name == mode; });
  return Measure(wait == std::end(kWaits) ? WaitInPoll : wait->call);
}
