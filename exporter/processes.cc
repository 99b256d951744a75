#include "processes.h"

#include <unistd.h>

#include <chrono>

#include "agent/agent_reader.h"
#include "proc_stat.h"

namespace jemalloc_exporter {
namespace {

bool IsThis(const Process& process) {
  return !process.pid_is_claimed && process.pid == getpid();
}

bool IsBelow(const Process& process, pid_t ancestor) {
  if (process.pid_is_claimed) return false;
  pid_t pid = process.pid;
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

}  // namespace

std::vector<Process> ReadOtherProcesses(Seconds patience,
                                        std::optional<pid_t> ancestor) {
  using Clock = std::chrono::steady_clock;
  std::vector<Process> processes = ReadAgents(
      Clock::now() + std::chrono::duration_cast<Clock::duration>(patience));
  std::erase_if(processes, [&](const Process& process) {
    return IsThis(process) || (ancestor && !IsBelow(process, *ancestor));
  });
  return processes;
}

}  // namespace jemalloc_exporter
