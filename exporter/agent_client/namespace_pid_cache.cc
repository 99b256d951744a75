#include "exporter/agent_client/namespace_pid_cache.h"

#include <algorithm>
#include <charconv>
#include <string>
#include <system_error>

#include "exporter/process/proc_file.h"

namespace jemalloc_exporter {
namespace {

// The last number of "NSpid:\t12345\t7", see proc(5).
std::optional<pid_t> ReadInnermostPid(pid_t pid) {
  const std::string status =
      ReadProcFile("/proc/" + std::to_string(pid) + "/status");
  const auto begin = status.find("\nNSpid:");
  if (begin == std::string::npos) return std::nullopt;
  const auto end = std::min(status.find('\n', begin + 1), status.size());
  const auto last = status.rfind('\t', end);
  if (last == std::string::npos || last < begin) return std::nullopt;
  pid_t innermost = 0;
  const auto parsed =
      std::from_chars(status.data() + last + 1, status.data() + end, innermost);
  if (parsed.ec != std::errc()) return std::nullopt;
  return innermost;
}

}  // namespace

std::optional<pid_t> NamespacePidCache::NamespacePid(pid_t pid) {
  const auto [known, is_new] = known_.try_emplace(pid);
  if (is_new) known->second = ReadInnermostPid(pid);
  return known->second;
}

}  // namespace jemalloc_exporter
