#include "exporter/process/process_tree.h"

#include <dirent.h>

#include <charconv>
#include <memory>
#include <optional>
#include <string_view>
#include <system_error>

#include "exporter/process/proc_stat.h"

namespace jemalloc_exporter {
namespace {

// Deeper than a tree of processes that does not change meanwhile.
constexpr int kMaxDepth = 1000;

constexpr int kMaxAttempts = 5;

// Absent when a process on the way has ended: the result is unknown.
std::optional<bool> TryIsDescendant(ProcStat stat, pid_t ancestor) {
  for (int depth = 0; depth < kMaxDepth; ++depth) {
    if (stat.parent_pid == ancestor) return true;
    if (stat.parent_pid == 1) return false;
    // 0 also where the kernel is about to replace a parent that has ended.
    if (stat.parent_pid <= 0) return std::nullopt;
    auto parent = ReadProcStat(stat.parent_pid);
    if (!parent || parent->start_time_seconds > stat.start_time_seconds) {
      return std::nullopt;
    }
    stat = *std::move(parent);
  }
  return false;
}

}  // namespace

bool IsDescendant(pid_t pid, pid_t ancestor) {
  for (int attempt = 0; attempt < kMaxAttempts; ++attempt) {
    auto stat = ReadProcStat(pid);
    if (!stat) return false;
    if (const auto result = TryIsDescendant(*std::move(stat), ancestor)) {
      return *result;
    }
  }
  return false;
}

std::vector<pid_t> ListPids() {
  std::vector<pid_t> pids;
  const std::unique_ptr<DIR, int (*)(DIR*)> listing(opendir("/proc"), closedir);
  if (!listing) return pids;
  while (const dirent* const entry = readdir(listing.get())) {
    const std::string_view name = entry->d_name;
    pid_t pid = 0;
    const auto [end, error] =
        std::from_chars(name.data(), name.data() + name.size(), pid);
    if (error == std::errc() && end == name.data() + name.size()) {
      pids.push_back(pid);
    }
  }
  return pids;
}

}  // namespace jemalloc_exporter
