// Runs a program and fails the system call that the `Control` in a file
// selects. All others continue in the kernel.
//
//     fail_calls CONTROL COMMAND...

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstddef>
#include <cstdio>
#include <iterator>
#include <vector>

#include "tests/stress/control.h"

namespace {

using jemalloc_exporter::Control;

// Calls that cannot fail, or at whose failure glibc aborts because only an
// error of the caller causes it.
constexpr int kExempt[] = {
    SYS_close,           SYS_exit,           SYS_exit_group,
    SYS_futex,           SYS_munmap,         SYS_rt_sigreturn,
    SYS_sched_yield,     SYS_rt_sigprocmask, SYS_madvise,
    SYS_rt_sigtimedwait, SYS_gettid,         SYS_getpid};

std::vector<sock_filter> Filter() {
  std::vector<sock_filter> filter = {
      BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(seccomp_data, nr))};
  for (const int number : kExempt) {
    filter.push_back(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K,
                              static_cast<unsigned>(number), 0, 1));
    filter.push_back(BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW));
  }
  filter.push_back(BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_USER_NOTIF));
  return filter;
}

// In the child, which shares the parent's descriptors until execve().
[[noreturn]] void ExecCommand(char** command, std::atomic<int>& listener) {
  std::vector<sock_filter> filter = Filter();
  const sock_fprog program{static_cast<unsigned short>(filter.size()),
                           filter.data()};
  prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
  listener =
      static_cast<int>(syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER,
                               SECCOMP_FILTER_FLAG_NEW_LISTENER, &program));
  if (listener >= 0) execvp(command[0], command);
  _exit(127);
}

// Handles one notification; false when the program has exited.
bool HandleNotification(int listener, Control& control) {
  pollfd ready{listener, POLLIN, 0};
  if (poll(&ready, 1, -1) < 0) return errno == EINTR;
  if ((ready.revents & POLLIN) == 0) return false;
  seccomp_notif call{};
  if (ioctl(listener, SECCOMP_IOCTL_NOTIF_RECV, &call) != 0) return true;
  seccomp_notif_resp response{};
  response.id = call.id;
  if (control.Fails()) {
    control.failed = static_cast<std::uint32_t>(call.data.nr);
    response.error = -static_cast<int>(control.error.load());
  } else {
    response.flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE;
  }
  ioctl(listener, SECCOMP_IOCTL_NOTIF_SEND, &response);
  return true;
}

pid_t program = -1;

}  // namespace

int main(int argc, char** argv) {
  if (argc < 3) return 2;
  Control* const control = jemalloc_exporter::MapControl(argv[1]);
  if (control == nullptr) {
    std::perror(argv[1]);
    return 1;
  }
  auto* const listener =
      new (mmap(nullptr, sizeof(std::atomic<int>), PROT_READ | PROT_WRITE,
                MAP_SHARED | MAP_ANONYMOUS, -1, 0)) std::atomic<int>(-2);
  program = static_cast<pid_t>(syscall(SYS_clone, CLONE_FILES | SIGCHLD,
                                       nullptr, nullptr, nullptr, nullptr));
  if (program == 0) ExecCommand(argv + 2, *listener);
  for (const int signal : {SIGTERM, SIGINT}) {
    std::signal(signal, [](int number) { kill(program, number); });
  }
  while (*listener == -2) sched_yield();
  if (*listener < 0) {
    std::fputs("fail_calls: seccomp notifications are not supported\n", stderr);
    return 1;
  }
  while (HandleNotification(*listener, *control)) {
  }
  int status = 0;
  waitpid(program, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}
