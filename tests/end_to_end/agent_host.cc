// A host of the agent: each mode is a known hazard for preloaded libraries.
// Built with jemalloc and without. Modes that wait print "ready" and wait until
// stdin ends; the others print their result.

#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <netinet/in.h>
#include <pthread.h>
#include <sched.h>
#include <spawn.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
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
extern "C" void* HOST_MALLOC(std::size_t);
#else
#define HOST_MALLOC std::malloc
#endif
extern "C" void* _rjem_malloc(std::size_t);

namespace {

// An allocation that lasts until the process ends: of a jemalloc with prefix
// where HOST_MALLOC names its malloc.
void* volatile heap;
void* volatile second_heap;

#ifdef TAKE_ADDRESSES
void* (*volatile const take_malloc)(std::size_t) = std::malloc;
void (*volatile const take_free)(void*) = std::free;
#endif

#ifdef TLS_BYTES
thread_local volatile char thread_locals[TLS_BYTES];
#endif

void Check(bool ok, const char* what) {
  if (ok) return;
  std::fprintf(stderr, "%s: %s\n", what, std::strerror(errno));
  _exit(1);
}

void Print(const char* format, int number = 0) {
  std::printf(format, number);
  std::fflush(stdout);
}

int Rest() {
  Print("ready\n");
  char byte = 0;
  while (read(STDIN_FILENO, &byte, 1) > 0) {
  }
  return 0;
}

int Wait(const char* /*unused*/) { return Rest(); }

// A daemon that closes all descriptors and then serves TCP on a number which
// was another library's.
int CloseAll(const char* /*unused*/) {
  Check(close_range(3, ~0U, 0) == 0, "close_range");
  const int listener = socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address = {};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t size = sizeof(address);
  auto* const any_address = reinterpret_cast<sockaddr*>(&address);
  Check(bind(listener, any_address, size) == 0 && listen(listener, 64) == 0 &&
            getsockname(listener, any_address, &size) == 0,
        "listen");
  Print("%d\n", ntohs(address.sin_port));
  for (;;) {
    const int client = accept(listener, nullptr, nullptr);
    Check(client >= 0 && write(client, "host\n", 5) == 5, "accept");
    close(client);
  }
}

// A program that counts on the lowest free number.
int LowestDescriptor(const char* rounds) {
  close_range(3, ~0U, 0);
  int others = 0;
  for (int i = std::atoi(rounds); i > 0; --i) {
    const int descriptor = open("/dev/null", O_RDONLY);
    if (descriptor != 3) ++others;
    close(descriptor);
  }
  Print("others %d\n", others);
  return 0;
}

std::atomic<int> signals{0};
std::atomic<int> elsewhere{0};

void CountSignal(int /*unused*/) {
  ++signals;
  if (syscall(SYS_gettid) != getpid()) ++elsewhere;
}

int Signals(const char* count) {
  for (const int signal : {SIGUSR1, SIGALRM, SIGCHLD}) {
    std::signal(signal, CountSignal);
  }
  for (int i = std::atoi(count); i > 0; --i) kill(getpid(), SIGUSR1);
  Print("usr1 %d\n", signals.exchange(0));
  const itimerval millisecond = {{0, 1000}, {0, 1000}};
  setitimer(ITIMER_REAL, &millisecond, nullptr);
  while (signals < 200) pause();
  const itimerval off = {};
  setitimer(ITIMER_REAL, &off, nullptr);
  signals = 0;
  for (int i = 0; i < 100; ++i) {
    const pid_t child = fork();
    if (child == 0) _exit(0);
    while (waitpid(child, nullptr, 0) < 0 && errno == EINTR) {
    }
  }
  Print("chld %d\n", signals);
  Print("elsewhere %d\n", elsewhere);
  // A signal that the program waits for would kill a thread that does not block
  // it.
  sigset_t awaited;
  sigemptyset(&awaited);
  sigaddset(&awaited, SIGUSR2);
  sigprocmask(SIG_BLOCK, &awaited, nullptr);
  int waited = 0;
  for (int i = 0; i < 100; ++i) {
    kill(getpid(), SIGUSR2);
    int signal = 0;
    if (sigwait(&awaited, &signal) == 0 && signal == SIGUSR2) ++waited;
  }
  Print("waited %d\n", waited);
  return 0;
}

bool Succeeds(pid_t child) {
  int status = -1;
  return waitpid(child, &status, 0) == child && status == 0;
}

// Children of a program whose threads are amid malloc, without exec.
int Forks(const char* count) {
  for (int i = 0; i < 16; ++i) {
    std::thread([] {
      for (unsigned i = 1;; ++i) {
        void* volatile block = std::malloc(std::size_t{i} * 7919 % 65536);
        std::free(block);
        if (i % 256 == 0) usleep(50);  // The children want to run, too.
      }
    }).detach();
  }
  int good = 0;
  for (int i = std::atoi(count); i > 0; --i) {
    const pid_t child = fork();
    if (child == 0) {
      heap = std::malloc(10000);
      _exit(heap != nullptr ? 0 : 1);
    }
    if (Succeeds(child)) ++good;
  }
  Print("good %d\n", good);
  _exit(0);
}

// A child that goes on as a server of its own, and its child.
int ForkTwice(const char* /*unused*/) {
  int generation = 0;
  while (generation < 2 && fork() == 0) ++generation;
  Print("%d\n", getpid());
  return Rest();
}

pid_t Spawn() {
  char name[] = "true";
  char* const arguments[] = {name, nullptr};
  pid_t child = -1;
  posix_spawn(&child, "/bin/true", nullptr, nullptr, arguments, environ);
  return child;
}

pid_t Vfork() {
  const pid_t child = vfork();  // NOLINT(clang-analyzer-security*)
  if (child == 0) _exit(0);
  return child;
}

int Spawns(const char* count) {
  int good = 0;
  for (int i = std::atoi(count); i > 0; --i) {
    if (Succeeds(Spawn())) ++good;
    if (Succeeds(Vfork())) ++good;
  }
  Print("good %d\n", good);
  return 0;
}

int ChangeUser(const char* user) {
  const auto id = static_cast<uid_t>(std::atoi(user));
  Check(setresgid(id, id, id) == 0 && setresuid(id, id, id) == 0, "setresuid");
  return Rest();
}

int ChangeRoot(const char* folder) {
  Check(chroot(folder) == 0 && chdir("/") == 0, "chroot");
  return ForkTwice(nullptr);
}

// A program that enters a container's files.
int EnterMounts(const char* /*unused*/) {
  const int mounts = open("/proc/self/ns/mnt", O_RDONLY);
  Check(setns(mounts, CLONE_NEWNS) == 0, "setns");
  return 0;
}

int Rename(const char* name) {
  prctl(PR_SET_NAME, name);
  return Rest();
}

// A program ends with its last thread, and the first one may go before.
int LeaveMain(const char* /*unused*/) {
  std::thread([] { std::exit(Rest() + 7); }).detach();
  pthread_exit(nullptr);
}

// The last thread ends without exit(3).
int LeaveAll(const char* /*unused*/) {
  std::thread(Rest).detach();
  pthread_exit(nullptr);
}

// A filter for all threads that kills the process for anything but the basics.
int Seccomp(const char* /*unused*/) {
#define ALLOW(name)                                      \
  BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_##name, 0, 1), \
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)
  sock_filter filter[] = {
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr)),
      ALLOW(read),
      ALLOW(write),
      ALLOW(futex),
      ALLOW(mmap),
      ALLOW(munmap),
      ALLOW(mprotect),
      ALLOW(madvise),
      ALLOW(newfstatat),
      ALLOW(exit_group),
      BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
  };
#undef ALLOW
  const sock_fprog program = {std::size(filter), filter};
  Print("open\n");
  char line = 0;
  Check(read(STDIN_FILENO, &line, 1) == 1, "read");
  Check(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
            syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER,
                    SECCOMP_FILTER_FLAG_TSYNC, &program) == 0,
        "seccomp");
  return Rest();
}

struct Mode {
  std::string_view name;
  int (*run)(const char* argument);
};

constexpr Mode kModes[] = {
    {"wait", Wait},
    {"close-all", CloseAll},
    {"lowest-descriptor", LowestDescriptor},
    {"signals", Signals},
    {"forks", Forks},
    {"fork-twice", ForkTwice},
    {"spawns", Spawns},
    {"change-user", ChangeUser},
    {"change-root", ChangeRoot},
    {"enter-mounts", EnterMounts},
    {"rename", Rename},
    {"leave-main", LeaveMain},
    {"leave-all", LeaveAll},
    {"seccomp", Seccomp},
};

}  // namespace

int main(int argc, char** argv) {
  heap = HOST_MALLOC(std::size_t{1} << 20);
#ifdef SECOND_MALLOC
  second_heap = SECOND_MALLOC(std::size_t{3} << 20);
#endif
#ifdef TLS_BYTES
  thread_locals[0] = 1;
#endif
  for (const Mode& mode : kModes) {
    if (argc > 1 && mode.name == argv[1]) {
      return mode.run(argc > 2 ? argv[2] : nullptr);
    }
  }
  return 2;
}
