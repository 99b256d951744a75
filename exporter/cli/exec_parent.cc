#include "exporter/cli/exec_parent.h"

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <optional>
#include <system_error>

#include "exporter/cli/exec_command.h"
#include "exporter/cli/exec_report.h"
#include "exporter/cli/exec_server.h"
#include "exporter/cli/log.h"
#include "exporter/cli/process_exit.h"
#include "exporter/cli/signal_recorder.h"

namespace jemalloc_exporter {
namespace {

constexpr std::chrono::seconds kReportTimeout{10};

std::system_error Failure(const char* call) {
  return {errno, std::generic_category(), call};
}

// Signal state at the start, which the command inherits.
struct Signals {
  sigset_t mask;
  struct sigaction child_ended;
};

// Blocks every signal for sigwaitinfo(2). The caller may have ignored SIGCHLD;
// then waitpid(2) would return no status.
Signals BlockAllSignals(const sigset_t& all) {
  Signals before{};
  struct sigaction by_default {};
  by_default.sa_handler = SIG_DFL;
  sigaction(SIGCHLD, &by_default, &before.child_ended);
  sigprocmask(SIG_SETMASK, &all, &before.mask);
  return before;
}

// $LISTEN_PID (sd_listen_fds) and $WATCHDOG_PID (sd_watchdog_enabled) name the
// process that they are for.
void RenamePid(const char* variable, pid_t from) {
  const char* const value = std::getenv(variable);
  if (value != nullptr && std::to_string(from) == value) {
    setenv(variable, std::to_string(getpid()).c_str(), 1);
  }
}

struct Child {
  pid_t pid = -1;
  int error = 0;  // Of exec; 0: none.
};

Child StartCommand(const ExecOptions& options, const std::string& preload,
                   const Signals& signals) {
  int errors[2];
  if (pipe2(errors, O_CLOEXEC) != 0) throw Failure("pipe2");
  const pid_t parent = getpid();
  Child child;
  child.pid = fork();
  if (child.pid < 0) throw Failure("fork");
  if (child.pid == 0) {
    RenamePid("LISTEN_PID", parent);
    RenamePid("WATCHDOG_PID", parent);
    sigaction(SIGCHLD, &signals.child_ended, nullptr);
    sigprocmask(SIG_SETMASK, &signals.mask, nullptr);
    const int error = ExecCommand(options.command, preload);
    _exit(write(errors[1], &error, sizeof(error)) < 0 ? 1 : 0);
  }
  close(errors[1]);
  // The pipe ends without a byte when exec has succeeded.
  if (read(errors[0], &child.error, sizeof(child.error)) <= 0) child.error = 0;
  close(errors[0]);
  return child;
}

// The process that writes the report, and the pipe to it.
struct ReportWriter {
  pid_t pid = -1;
  int pipe = -1;
};

// All signals stay blocked in it: the report is written however the command
// ends. In its own process group, so that it does not stop with the terminal.
ReportWriter StartReportWriter(const ExecOptions& options,
                               const ExecTree& tree) {
  if (options.report_path.empty()) return {};
  int pipe[2] = {-1, -1};
  ReportWriter writer;
  if (pipe2(pipe, O_CLOEXEC) == 0) {
    writer.pipe = pipe[1];
    writer.pid = fork();
  }
  if (writer.pid == 0) {
    setpgid(0, 0);
    close(pipe[1]);
    try {
      WriteExecReport(
          {.path = options.report_path,
           .command = options.command.front(),
           .contains = [&](pid_t pid) { return tree.Contains(pid); }},
          pipe[0]);
    } catch (const std::exception& exception) {
      PrintError(exception.what());
    }
    _exit(0);
  }
  if (writer.pid < 0) {
    PrintError("cannot write " + options.report_path + ": " +
               std::strerror(errno));
  }
  close(pipe[0]);
  return writer;
}

// Kills the writer if it does not end in time.
void FinishReport(const ReportWriter& writer, bool passed) {
  const CommandExit exit{passed};
  if (write(writer.pipe, &exit, sizeof(exit)) != sizeof(exit)) return;
  sigset_t child_ended;
  sigemptyset(&child_ended);
  sigaddset(&child_ended, SIGCHLD);
  const auto deadline = std::chrono::steady_clock::now() + kReportTimeout;
  while (waitpid(writer.pid, nullptr, WNOHANG) == 0) {
    if (std::chrono::steady_clock::now() >= deadline) {
      kill(writer.pid, SIGKILL);
    }
    const timespec pause{.tv_sec = 0, .tv_nsec = 50'000'000};
    sigtimedwait(&child_ended, nullptr, &pause);
  }
}

// A command in another process group does not receive what is sent to ours.
// `since`: the last time that no signal was pending.
void ForwardSignal(int signal, pid_t command, const SignalRecorder& recorder,
                   std::chrono::steady_clock::time_point since) {
  const bool in_group = getpgid(command) == getpgrp();
  if (!in_group || !recorder.Received(signal, since)) kill(command, signal);
}

class Children {
 public:
  Children(const ExecOptions& options, pid_t command, ReportWriter report)
      : options_(options), command_(command), report_(report) {}

  // Returns the command's exit status when it has ended.
  std::optional<int> Reap() {
    int status = 0;
    pid_t pid = 0;
    while ((pid = waitpid(-1, &status, WNOHANG | WUNTRACED)) > 0) {
      if (WIFSTOPPED(status)) {
        // A shell waits for this process to stop. SIGCONT is forwarded later.
        if (pid == command_ && WSTOPSIG(status) != SIGSTOP) raise(SIGSTOP);
      } else if (pid == report_.pid) {
        PrintError("report writer exited; " + options_.report_path +
                   " was not written");
        report_.pid = -1;
      } else if (pid == command_) {
        if (report_.pid > 0)
          FinishReport(report_, ShellExitStatus(status) == 0);
        return ShellExitStatus(status);
      }
    }
    return std::nullopt;
  }

 private:
  const ExecOptions& options_;
  const pid_t command_;
  ReportWriter report_;
};

}  // namespace

int RunAsParent(const ExecOptions& options, const std::string& preload,
                ExecTree& tree,
                const std::function<int(const ExecScope&)>& serve) {
  sigset_t all;
  sigfillset(&all);
  const Signals signals = BlockAllSignals(all);
  const SignalRecorder recorder;
  const auto [command, error] = StartCommand(options, preload, signals);
  if (error != 0) return CannotStart(options.command.front(), error);

  DetachStreams({});
  tree.set_root(command);
  const int pidfd = OpenPidfd(command);
  StartServer({.tree = tree,
               .command = options.command.front(),
               .with_jemalloc = options.with_jemalloc,
               .pidfd = pidfd},
              serve);
  if (pidfd >= 0) close(pidfd);
  Children children(options, command, StartReportWriter(options, tree));
  while (true) {
    // Before the first wait, too: StartServer takes a pending SIGCHLD.
    if (const auto status = children.Reap()) return *status;
    const auto since = std::chrono::steady_clock::now();
    const int signal = sigwaitinfo(&all, nullptr);
    if (signal > 0 && signal != SIGCHLD) {
      ForwardSignal(signal, command, recorder, since);
    }
  }
}

}  // namespace jemalloc_exporter
