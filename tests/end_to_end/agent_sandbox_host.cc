// A host of the agent that confines itself: with seccomp filters, or by giving
// up privileges. Modes that end print their result; the others print "ready"
// and wait until stdin ends.

#include <linux/capability.h>
#include <pthread.h>
#include <sched.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string_view>
#include <thread>

#include "tests/end_to_end/seccomp_filter.h"

namespace {

void* volatile heap;

void Check(bool ok, const char* what) {
  if (ok) return;
  std::fprintf(stderr, "%s: %s\n", what, std::strerror(errno));
  _exit(1);
}

int Wait() {
  std::printf("ready\n");
  std::fflush(stdout);
  char byte = 0;
  while (read(STDIN_FILENO, &byte, 1) > 0) {
  }
  return 0;
}

// The wait status of a child that allocates and exits.
int StatusOfFork() {
  const pid_t child = fork();
  if (child == 0) {
    heap = std::malloc(10000);
    _exit(heap != nullptr ? 0 : 1);
  }
  int status = -1;
  Check(child > 0 && waitpid(child, &status, 0) == child, "fork");
  return status;
}

int ForkAndPrint() {
  std::printf("status %d\n", StatusOfFork());
  return 0;
}

int ForkFiltered(const char* filter) {
  Check(Install(ParseSeccompFilter(filter)), "seccomp");
  return ForkAndPrint();
}

int ForkSynchronized(const char* filter) {
  Check(Install(ParseSeccompFilter(filter), SECCOMP_FILTER_FLAG_TSYNC),
        "seccomp");
  ForkAndPrint();
  return ForkAndPrint();
}

// Only the thread that forks is under the filter.
int ForkInFilteredThread(const char* filter) {
  std::thread([filter] { ForkFiltered(filter); }).join();
  return 0;
}

// A forked child that waits, under the filters of its parent.
int ForkAndWait(const char* /*unused*/) {
  const pid_t child = fork();
  if (child == 0) {
    std::printf("%d\n", getpid());
    return Wait();
  }
  int status = -1;
  waitpid(child, &status, 0);
  return status;
}

int ForkErrno(const char* /*unused*/) {
  errno = 4321;
  const pid_t child = fork();
  if (child == 0) _exit(errno == 4321 ? 0 : 1);
  const bool is_same = errno == 4321;
  int status = -1;
  waitpid(child, &status, 0);
  std::printf("parent %s, child %s\n", is_same ? "same" : "changed",
              status == 0 ? "same" : "changed");
  return 0;
}

int DropCapabilities(const char* /*unused*/) {
  __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
  __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3] = {};
  Check(syscall(SYS_capset, &header, none) == 0, "capset");
  return Wait();
}

int DropUidInThread(const char* uid) {
  const auto id = static_cast<uid_t>(std::atoi(uid));
  Check(syscall(SYS_setresgid, id, id, id) == 0 &&
            syscall(SYS_setresuid, id, id, id) == 0 &&
            prctl(PR_SET_DUMPABLE, 1, 0, 0, 0) == 0,
        "setresuid");
  return Wait();
}

// As daemons do: change the user, then check that the way back is closed.
int DropUidAndCheck(const char* uid) {
  const auto id = static_cast<uid_t>(std::atoi(uid));
  Check(setresgid(id, id, id) == 0 && setresuid(id, id, id) == 0, "setresuid");
  if (setuid(0) == 0) return 3;
  return Wait();
}

// A child, forked where there is no /proc, that changes the user after a line
// of input.
int ForkWithoutProc(const char* folder) {
  Check(chroot(folder) == 0 && chdir("/") == 0, "chroot");
  const pid_t child = fork();
  if (child == 0) {
    std::printf("%d\n", getpid());
    std::fflush(stdout);
    char byte = 0;
    Check(read(STDIN_FILENO, &byte, 1) == 1, "read");
    Check(setresgid(65534, 65534, 65534) == 0 &&
              setresuid(65534, 65534, 65534) == 0,
          "setresuid");
    _exit(0);
  }
  int status = -1;
  waitpid(child, &status, 0);
  std::printf("status %d\n", status);
  return 0;
}

// The main thread ends by the system call, which runs no handlers.
int ExitMainThread(const char* /*unused*/) {
  std::printf("ready\n");
  std::fflush(stdout);
  syscall(SYS_exit, 0);
  return 1;
}

int ExitMainThreadBeforeOther(const char* /*unused*/) {
  std::thread([] { std::exit(Wait() + 7); }).detach();
  syscall(SYS_exit, 0);
  return 1;
}

// A child by the system call, which runs no handlers, that ends its main thread
// or forks.
int RawClone(const char* action) {
  alarm(30);  // The time within which the child must have ended.
  const long child = syscall(SYS_clone, SIGCHLD, nullptr, nullptr, nullptr, 0);
  if (child == 0) {
    if (std::string_view(action) == "fork") _exit(StatusOfFork());
    pthread_exit(nullptr);
  }
  int status = -1;
  Check(waitpid(static_cast<pid_t>(child), &status, 0) == child, "clone");
  alarm(0);
  std::printf("status %d\n", status);
  return Wait();
}

// Forks and waits for each child, which exits or executes a program; prints the
// microseconds that each took, on a line.
int TimeForks(const char* mode) {
  const bool executes = std::string_view(mode).starts_with("exec");
  for (int i = 0; i < 200; ++i) {
    timespec begin;
    clock_gettime(CLOCK_MONOTONIC, &begin);
    const pid_t child = fork();
    if (child == 0) {
      if (executes) execl("/bin/true", "true", nullptr);
      _exit(0);
    }
    waitpid(child, nullptr, 0);
    timespec end;
    clock_gettime(CLOCK_MONOTONIC, &end);
    std::printf("%.1f ",
                1e6 * static_cast<double>(end.tv_sec - begin.tv_sec) +
                    1e-3 * static_cast<double>(end.tv_nsec - begin.tv_nsec));
  }
  std::printf("\n");
  return 0;
}

struct Mode {
  std::string_view name;
  int (*run)(const char* argument);
};

constexpr Mode kModes[] = {
    {"fork-filtered", ForkFiltered},
    {"fork-synchronized", ForkSynchronized},
    {"fork-in-filtered-thread", ForkInFilteredThread},
    {"fork-and-wait", ForkAndWait},
    {"fork-errno", ForkErrno},
    {"drop-capabilities", DropCapabilities},
    {"drop-uid-in-thread", DropUidInThread},
    {"drop-uid-and-check", DropUidAndCheck},
    {"fork-without-proc", ForkWithoutProc},
    {"exit-main-thread", ExitMainThread},
    {"exit-main-thread-before-other", ExitMainThreadBeforeOther},
    {"raw-clone", RawClone},
    {"time-forks", TimeForks},
};

}  // namespace

int main(int argc, char** argv) {
  heap = std::malloc(std::size_t{1} << 20);
  for (const Mode& mode : kModes) {
    if (argc > 1 && mode.name == argv[1]) {
      return mode.run(argc > 2 ? argv[2] : "");
    }
  }
  return 2;
}
