#include "exporter/agent_client/processes.h"

#include <unistd.h>

#include <chrono>

#include "exporter/agent_client/agent_reader.h"
#include "exporter/process/proc_stat.h"

namespace jemalloc_exporter {
namespace {

bool IsThis(const Process& process) {
  return !process.pid_is_claimed && process.pid == getpid();
}

bool IsBelow(pid_t pid, pid_t ancestor) {
  // Deeper than any tree of processes that is not being changed meanwhile.
  constexpr int kMaxDepth = 1000;
  for (int depth = 0; depth < kMaxDepth; ++depth) {
    const auto stat = ReadProcStat(pid);
    if (!stat || stat->parent_pid <= 0) return false;
    if (stat->parent_pid == ancestor) return true;
    pid = stat->parent_pid;
  }
  return false;
}

std::chrono::steady_clock::time_point After(Seconds patience) {
  using Clock = std::chrono::steady_clock;
  return Clock::now() + std::chrono::duration_cast<Clock::duration>(patience);
}

}  // namespace

std::vector<Process> ReadOtherProcesses(Seconds patience,
                                        std::optional<pid_t> ancestor) {
  std::vector<Process> processes = ReadAgents(After(patience));
  std::erase_if(processes, [&](const Process& process) {
    if (IsThis(process)) return true;
    return ancestor &&
           (process.pid_is_claimed || !IsBelow(process.pid, *ancestor));
  });
  return processes;
}

std::vector<Process> ReadProcessesBelow(
    pid_t ancestor, Seconds patience,
    const std::function<bool(pid_t)>& is_asked) {
  std::vector<Process> processes = ReadAgents(After(patience), [&](pid_t pid) {
    return pid != getpid() && IsBelow(pid, ancestor) && is_asked(pid);
  });
  // The name of a socket may be a lie.
  std::erase_if(processes, [&](const Process& process) {
    return process.pid_is_claimed || !IsBelow(process.pid, ancestor);
  });
  return processes;
}

}  // namespace jemalloc_exporter
