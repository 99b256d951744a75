#include "exporter/agent_client/pid_namespaces.h"

#include <fstream>
#include <sstream>
#include <string>

namespace jemalloc_exporter {
namespace {

// The last number of "NSpid:\t12345\t7", see proc(5).
std::optional<pid_t> ReadInnermostPid(pid_t pid) {
  std::ifstream status("/proc/" + std::to_string(pid) + "/status");
  for (std::string line; std::getline(status, line);) {
    if (!line.starts_with("NSpid:")) continue;
    std::istringstream pids(line.substr(line.rfind('\t')));
    pid_t innermost = 0;
    if (pids >> innermost) return innermost;
  }
  return std::nullopt;
}

}  // namespace

std::optional<pid_t> PidNamespaces::InnermostPid(pid_t pid) {
  const auto [known, is_new] = known_.try_emplace(pid);
  if (is_new) known->second = ReadInnermostPid(pid);
  return known->second;
}

}  // namespace jemalloc_exporter
