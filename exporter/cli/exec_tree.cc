#include "exporter/cli/exec_tree.h"

#include <unistd.h>

#include <fstream>
#include <limits>
#include <random>
#include <string>
#include <string_view>

#include "exporter/process/proc_stat.h"
#include "exporter/process/process_tree.h"

namespace jemalloc_exporter {
namespace {

bool IsRunning(pid_t pid) {
  const auto stat = ReadProcStat(pid);
  return stat && !IsEnding(*stat);
}

}  // namespace

ExecTree ExecTree::MarkThisProcess() {
  rlimit limit{};
  if (getrlimit(RLIMIT_LOCKS, &limit) != 0) return ExecTree(0);
  // 31 bits: also representable in a 32-bit program's rlim_t.
  std::random_device random;
  const rlim_t mark = std::uniform_int_distribution<rlim_t>(
      1, std::numeric_limits<int>::max())(random);
  if (limit.rlim_max < mark) return ExecTree(0);
  limit.rlim_cur = mark;
  return ExecTree(setrlimit(RLIMIT_LOCKS, &limit) == 0 ? mark : 0);
}

bool ExecTree::Contains(pid_t pid) const {
  return pid == root_ || IsDescendant(pid, root_) || IsMarked(pid);
}

std::vector<pid_t> ExecTree::Running() const {
  std::vector<pid_t> pids = ListPids();
  std::erase_if(pids, [&](pid_t pid) {
    return pid == getpid() || !IsRunning(pid) || !Contains(pid);
  });
  return pids;
}

bool ExecTree::IsMarked(pid_t pid) const {
  if (mark_ == 0) return false;
  constexpr std::string_view kName = "Max file locks ";
  std::ifstream limits("/proc/" + std::to_string(pid) + "/limits");
  std::string line;
  while (std::getline(limits, line)) {
    if (!line.starts_with(kName)) continue;
    const auto value = line.find_first_not_of(' ', kName.size());
    return value != std::string::npos &&
           line.compare(value, line.find(' ', value) - value,
                        std::to_string(mark_)) == 0;
  }
  return false;
}

}  // namespace jemalloc_exporter
