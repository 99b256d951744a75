#include "exporter/cli/exec.h"

#include <fcntl.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <iostream>
#include <system_error>

#include "exporter/cli/exec_sidecar.h"
#include "exporter/cli/preload.h"

namespace jemalloc_exporter {
namespace {

// As a shell says what became of a command.
constexpr int kCannotStart = 126;
constexpr int kNotFound = 127;
constexpr int kSignalled = 128;

constexpr std::chrono::seconds kPatienceWithServe{1};
constexpr std::chrono::seconds kPatienceWithSidecar{10};

void Say(const std::string& line) {
  std::cerr << "jemalloc_exporter: " << line << std::endl;
}

std::system_error Failure(const char* what) {
  return {errno, std::generic_category(), what};
}

int ExitStatus(int wait_status) {
  return WIFSIGNALED(wait_status) ? kSignalled + WTERMSIG(wait_status)
                                  : WEXITSTATUS(wait_status);
}

// The signals as they were, and as the command is to have them.
struct Signals {
  sigset_t mask;
  struct sigaction child_ended;
};

// Takes every signal for `sigwaitinfo`. Whoever started this may have ignored
// the end of children; then there would be no word of any.
Signals TakeSignals(const sigset_t& all) {
  Signals before{};
  struct sigaction by_default {};
  by_default.sa_handler = SIG_DFL;
  sigaction(SIGCHLD, &by_default, &before.child_ended);
  sigprocmask(SIG_SETMASK, &all, &before.mask);
  return before;
}

// Runs in the child. What it writes to `report` is why there is no command.
[[noreturn]] void BecomeCommand(const ExecOptions& options,
                                const std::string& preload,
                                const Signals& signals, int report) {
  std::vector<char*> arguments;
  for (const std::string& argument : options.command) {
    arguments.push_back(const_cast<char*>(argument.c_str()));
  }
  arguments.push_back(nullptr);
  if (!preload.empty()) setenv("LD_PRELOAD", preload.c_str(), 1);
  sigaction(SIGCHLD, &signals.child_ended, nullptr);
  sigprocmask(SIG_SETMASK, &signals.mask, nullptr);
  execvp(arguments.front(), arguments.data());
  const int error = errno;
  if (write(report, &error, sizeof(error)) < 0) _exit(kCannotStart);
  _exit(kNotFound);
}

struct Started {
  pid_t pid = -1;
  int error = 0;  // Of exec; 0 where it succeeded.
};

Started StartCommand(const ExecOptions& options, const std::string& preload,
                     const Signals& signals) {
  int report[2];
  if (pipe2(report, O_CLOEXEC) != 0) throw Failure("pipe2");
  Started started;
  started.pid = fork();
  if (started.pid < 0) throw Failure("fork");
  if (started.pid == 0) {
    BecomeCommand(options, preload, signals, report[1]);
  }
  close(report[1]);
  // Nothing comes, and the pipe ends, as soon as the command runs.
  if (read(report[0], &started.error, sizeof(started.error)) <= 0) {
    started.error = 0;
  }
  close(report[0]);
  return started;
}

// The command's descriptors but for stderr, on which there may be something to
// say: whoever waits for the command to close one must not wait for us.
void LeaveDescriptors() {
  const int null = open("/dev/null", O_RDWR | O_CLOEXEC);
  dup2(null, STDIN_FILENO);
  dup2(null, STDOUT_FILENO);
  close_range(STDERR_FILENO + 1, ~0U, 0);
}

// Does `work` in a process of its own, and in a process group of its own: what
// is typed at the terminal is not for it.
template <typename Work>
pid_t StartBeside(const Work& work) {
  const pid_t pid = fork();
  if (pid != 0) return pid;
  setpgid(0, 0);
  int status = 1;
  try {
    status = work();
  } catch (const std::exception& exception) {
    Say(exception.what());
  }
  _exit(status);
}

pid_t StartServe(const std::function<int()>& serve, const Signals& signals) {
  const pid_t parent = getpid();
  return StartBeside([&] {
    prctl(PR_SET_PDEATHSIG, SIGTERM);
    if (getppid() != parent) return 0;
    sigprocmask(SIG_SETMASK, &signals.mask, nullptr);
    return serve();
  });
}

// Kills a process that does not end in time.
void AwaitEnd(pid_t pid, std::chrono::seconds patience) {
  sigset_t child_ended;
  sigemptyset(&child_ended);
  sigaddset(&child_ended, SIGCHLD);
  const auto deadline = std::chrono::steady_clock::now() + patience;
  while (waitpid(pid, nullptr, WNOHANG) == 0) {
    const auto left = deadline - std::chrono::steady_clock::now();
    if (left.count() <= 0) kill(pid, SIGKILL);
    const timespec pause{.tv_sec = 0, .tv_nsec = 50'000'000};
    sigtimedwait(&child_ended, nullptr, &pause);
  }
}

void StopServe(pid_t pid) {
  kill(pid, SIGTERM);
  AwaitEnd(pid, kPatienceWithServe);
}

// The process that writes the sidecar, and the pipe by which it hears of the
// command's end.
struct SidecarWriter {
  pid_t pid = -1;
  int pipe = -1;
};

// No signal reaches it: whatever ends the command, it has yet to write. Start
// it last, so that it alone holds its end of the pipe, and hears of the end of
// this process, too.
SidecarWriter StartSidecar(const ExecOptions& options) {
  if (options.sidecar_path.empty()) return {};
  const ExecSidecarOptions sidecar{.path = options.sidecar_path,
                                   .command = options.command.front(),
                                   .ancestor = getpid()};
  int pipe[2] = {-1, -1};
  SidecarWriter writer;
  if (pipe2(pipe, O_CLOEXEC) == 0) {
    writer.pipe = pipe[1];
    writer.pid = StartBeside([&] {
      close(pipe[1]);
      WriteExecSidecar(sidecar, pipe[0]);
      return 0;
    });
  }
  if (writer.pid < 0) {
    Say("cannot write " + sidecar.path + ": " + std::strerror(errno));
  }
  close(pipe[0]);
  return writer;
}

void FinishSidecar(const SidecarWriter& writer, bool passed) {
  const CommandEnd end{passed};
  if (write(writer.pipe, &end, sizeof(end)) == sizeof(end)) {
    AwaitEnd(writer.pid, kPatienceWithSidecar);
  }
}

// The terminal's own signals (SI_KERNEL) reach the command without us, but for
// the hangup, which is for the leader of the session.
void PassOn(const siginfo_t& signal, pid_t command) {
  const bool from_terminal = signal.si_code == SI_KERNEL;
  const bool for_leader = signal.si_signo == SIGHUP && getsid(0) == getpid();
  if (!from_terminal || for_leader) kill(command, signal.si_signo);
}

// Where the terminal stopped the command (Ctrl-Z), the shell waits for this
// process to stop, too, and wakes this process alone.
void StopWith(pid_t command, int stop_signal) {
  if (stop_signal == SIGSTOP) return;
  raise(SIGSTOP);
  kill(command, SIGCONT);
}

}  // namespace

int RunExec(const ExecOptions& options, const std::function<int()>& serve) {
  std::string hint;
  const std::string preload = Preload(options, &hint);
  if (!hint.empty()) Say(hint);

  sigset_t all_signals;
  sigfillset(&all_signals);
  const Signals signals = TakeSignals(all_signals);
  prctl(PR_SET_CHILD_SUBREAPER, 1);

  const auto [command, error] = StartCommand(options, preload, signals);
  if (error != 0) {
    Say("cannot start " + options.command.front() + ": " +
        std::strerror(error));
    return error == ENOENT ? kNotFound : kCannotStart;
  }
  LeaveDescriptors();
  pid_t server = StartServe(serve, signals);
  if (server < 0) Say("cannot serve: " + std::string(std::strerror(errno)));
  SidecarWriter sidecar = StartSidecar(options);

  while (true) {
    siginfo_t signal{};
    if (sigwaitinfo(&all_signals, &signal) < 0) continue;
    if (signal.si_signo != SIGCHLD) {
      PassOn(signal, command);
      continue;
    }
    int status = 0;
    pid_t ended = 0;
    while ((ended = waitpid(-1, &status, WNOHANG | WUNTRACED)) > 0) {
      if (WIFSTOPPED(status)) {
        if (ended == command) StopWith(command, WSTOPSIG(status));
        continue;
      }
      if (ended == server) {
        Say(options.command.front() + " goes on without being served");
        server = -1;
      }
      if (ended == sidecar.pid) {
        Say("nobody is left to write " + options.sidecar_path);
        sidecar.pid = -1;
      }
      if (ended != command) continue;
      if (sidecar.pid > 0) FinishSidecar(sidecar, ExitStatus(status) == 0);
      if (server > 0) StopServe(server);
      return ExitStatus(status);
    }
  }
}

}  // namespace jemalloc_exporter
