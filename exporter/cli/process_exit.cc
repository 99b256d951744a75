#include "exporter/cli/process_exit.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <cstdint>
#include <fstream>
#include <iterator>
#include <limits>
#include <sstream>
#include <string>
#include <system_error>
#include <thread>
#include <vector>

#include "exporter/process/proc_stat.h"

namespace jemalloc_exporter {
namespace {

constexpr std::chrono::milliseconds kPollInterval{100};

// linux/pidfd.h of Linux 6.15, which Debian 12 does not have.
struct PidfdInfo {
  std::uint64_t mask;
  std::uint64_t cgroup_id;
  std::uint32_t ids[11];
  std::int32_t exit_code;
};
constexpr std::uint64_t kPidfdInfoExit = 1 << 3;
const auto kPidfdGetInfo = _IOWR(0xFF, 11, PidfdInfo);

// The last field of /proc/PID/stat, in the format of wait(2).
std::optional<int> ZombieStatus(pid_t pid) {
  std::ifstream file("/proc/" + std::to_string(pid) + "/stat");
  std::string text;
  std::getline(file, text);
  const auto comm_end = text.rfind(')');
  if (comm_end == std::string::npos) return std::nullopt;
  std::istringstream fields(text.substr(comm_end + 1));
  const std::vector<std::string> words{
      std::istream_iterator<std::string>(fields), {}};
  if (words.empty() || words.front() != "Z") return std::nullopt;
  return std::stoi(words.back());
}

}  // namespace

int OpenPidfd(pid_t pid) {
  return static_cast<int>(syscall(SYS_pidfd_open, pid, 0));
}

int PollForExit(pid_t pid) {
  const auto stat = ReadProcStat(pid);
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) != 0) return -1;
  sigset_t all;
  sigset_t before;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  try {
    std::thread([stat, pid, writer = ends[1]] {
      const auto is_running = [&] {
        const auto now = ReadProcStat(pid);
        return stat && now && now->virtual_memory_bytes > 0 &&
               now->start_time_seconds == stat->start_time_seconds;
      };
      while (is_running()) std::this_thread::sleep_for(kPollInterval);
      close(writer);
    }).detach();
  } catch (const std::system_error&) {
    close(ends[0]);
    close(ends[1]);
    ends[0] = -1;
  }
  pthread_sigmask(SIG_SETMASK, &before, nullptr);
  return ends[0];
}

bool HasExited(int exit_fd) {
  pollfd ready = {exit_fd, POLLIN, 0};
  return poll(&ready, 1, 0) > 0;
}

std::optional<int> TerminationSignal(int pidfd, pid_t pid) {
  PidfdInfo info{};
  info.mask = kPidfdInfoExit;
  std::optional<int> status = ZombieStatus(pid);
  if (!status && ioctl(pidfd, kPidfdGetInfo, &info) == 0 &&
      (info.mask & kPidfdInfoExit) != 0) {
    status = info.exit_code;
  }
  if (!status || !WIFSIGNALED(*status)) return std::nullopt;
  return WTERMSIG(*status);
}

int ShellExitStatus(int wait_status) {
  constexpr int kSignalled = 128;
  return WIFSIGNALED(wait_status) ? kSignalled + WTERMSIG(wait_status)
                                  : WEXITSTATUS(wait_status);
}

}  // namespace jemalloc_exporter
