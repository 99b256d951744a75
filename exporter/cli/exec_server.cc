#include "exporter/cli/exec_server.h"

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstring>
#include <exception>
#include <filesystem>
#include <thread>
#include <vector>

#include "exporter/agent_client/agent_discovery.h"
#include "exporter/cli/log.h"
#include "exporter/cli/process_exit.h"

namespace jemalloc_exporter {
namespace {

// Children usually end shortly after the command that started them.
constexpr std::chrono::seconds kLeftoverGrace{1};
constexpr std::chrono::milliseconds kLeftoverPollInterval{50};

// These usually end a program whose memory is corrupt.
bool IsCrash(int signal) {
  constexpr int kSignals[] = {SIGABRT, SIGSEGV, SIGBUS, SIGILL, SIGTRAP};
  return std::find(std::begin(kSignals), std::end(kSignals), signal) !=
         std::end(kSignals);
}

void WarnIfJemallocCrashed(const ExecServer& server) {
  if (!server.with_jemalloc) return;
  const auto signal = TerminationSignal(server.pidfd, server.tree.root());
  if (!signal || !IsCrash(*signal)) return;
  PrintWarning(
      server.command + " was terminated by SIG" + sigabbrev_np(*signal) +
      "; --with-jemalloc may be the reason: it replaces the malloc that "
      "the program was built for");
}

// A daemon, usually.
void WarnIfProcessesRemain(const ExecServer& server) {
  const auto deadline = std::chrono::steady_clock::now() + kLeftoverGrace;
  std::vector<pid_t> running = server.tree.Running();
  while (!running.empty() && std::chrono::steady_clock::now() < deadline) {
    std::this_thread::sleep_for(kLeftoverPollInterval);
    running = server.tree.Running();
  }
  if (running.empty()) return;
  const auto agents = DiscoverSockets().agents;
  const auto count =
      std::count_if(running.begin(), running.end(), [&](pid_t pid) {
        return std::any_of(
            agents.begin(), agents.end(),
            [&](const AgentSocket& agent) { return agent.name.pid == pid; });
      });
  if (count == 0) return;
  PrintWarning(server.command + " has exited; " + std::to_string(count) +
               (count == 1 ? " process" : " processes") +
               " that it started will not be served: keep daemons in the "
               "foreground under exec");
}

void Serve(const ExecServer& server,
           const std::function<int(const ExecScope&)>& serve) {
  DetachStreams({server.pidfd, server.exec_failed});
  char failed = 0;
  ssize_t size = 0;
  do {
    size = read(server.exec_failed, &failed, sizeof(failed));
  } while (size < 0 && errno == EINTR);
  if (size > 0) return;
  close(server.exec_failed);

  const int exit_fd =
      server.pidfd >= 0 ? server.pidfd : PollForExit(server.tree.root());
  std::string error;
  try {
    serve({.contains = [&](pid_t pid) { return server.tree.Contains(pid); },
           .command_fd = exit_fd});
  } catch (const std::exception& exception) {
    error = exception.what();
  }
  if (!error.empty()) {
    PrintError(error);
    PrintError("exporter exited; " + server.command +
               " continues without metrics");
    return;
  }
  if (!HasExited(exit_fd)) return;  // Ended by a signal of its own.
  WarnIfJemallocCrashed(server);
  WarnIfProcessesRemain(server);
}

// Returns errno, or 0.
int ForkDetached(const std::function<void()>& work) {
  const pid_t child = fork();
  if (child < 0) return errno;
  if (child == 0) {
    setsid();
    const pid_t grandchild = fork();
    if (grandchild == 0) work();
    _exit(grandchild < 0 ? errno : 0);
  }
  int status = 0;
  pid_t ended = 0;
  do {
    ended = waitpid(child, &status, 0);
  } while (ended < 0 && errno == EINTR);
  // Without a status where the caller ignores SIGCHLD.
  return ended == child && WIFEXITED(status) ? WEXITSTATUS(status) : 0;
}

bool IsPending(int signal) {
  sigset_t pending;
  sigpending(&pending);
  return sigismember(&pending, signal) != 0;
}

// Where SIGCHLD is blocked, it would stay pending over execve(2).
void TakeChildSignal() {
  sigset_t child_ended;
  sigemptyset(&child_ended);
  sigaddset(&child_ended, SIGCHLD);
  const timespec now{};
  sigtimedwait(&child_ended, nullptr, &now);
}

// False before Linux 5.9, and in containers that refuse the call.
bool CloseAllBut(const std::set<int>& keep) {
  unsigned first = STDERR_FILENO + 1;
  for (const int fd : keep) {
    if (fd <= STDERR_FILENO) continue;
    const auto kept = static_cast<unsigned>(fd);
    if (kept > first && close_range(first, kept - 1, 0) != 0) return false;
    first = kept + 1;
  }
  return close_range(first, ~0U, 0) == 0;
}

void CloseListedBut(const std::set<int>& keep) {
  std::vector<int> open_fds;
  std::error_code error;
  for (std::filesystem::directory_iterator it("/proc/self/fd", error), end;
       !error && it != end; it.increment(error)) {
    open_fds.push_back(std::stoi(it->path().filename().string()));
  }
  for (const int fd : open_fds) {
    if (fd > STDERR_FILENO && !keep.contains(fd)) close(fd);
  }
}

}  // namespace

void StartServer(const ExecServer& server,
                 const std::function<int(const ExecScope&)>& serve) {
  const bool was_pending = IsPending(SIGCHLD);
  const int error = ForkDetached([&] {
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, nullptr);
    Serve(server, serve);
  });
  if (!was_pending) TakeChildSignal();
  if (error != 0) {
    PrintError(std::string("cannot serve: ") + std::strerror(error));
  }
}

void DetachStreams(const std::set<int>& keep) {
  if (!CloseAllBut(keep)) CloseListedBut(keep);
  const int null = open("/dev/null", O_RDWR | O_CLOEXEC);
  dup2(null, STDIN_FILENO);
  dup2(null, STDOUT_FILENO);
  if (null > STDERR_FILENO) close(null);
}

}  // namespace jemalloc_exporter
