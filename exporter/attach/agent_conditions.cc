#include "exporter/attach/agent_conditions.h"

#include <elf.h>
#include <sys/vfs.h>

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <filesystem>
#include <system_error>

#include "exporter/agent/excluded_programs.h"
#include "exporter/agent/protocol.h"
#include "exporter/attach/remote_memory.h"
#include "exporter/process/proc_file.h"

namespace jemalloc_exporter {
namespace {

// PATH_MAX
constexpr std::size_t kMaxPath = 4096;

// 0 for a type that the vector does not have.
std::uint64_t FindValue(std::string_view auxiliary_vector, std::uint64_t type) {
  Elf64_auxv_t entry = {};
  for (; auxiliary_vector.size() >= sizeof(entry);
       auxiliary_vector.remove_prefix(sizeof(entry))) {
    std::memcpy(&entry, auxiliary_vector.data(), sizeof(entry));
    if (entry.a_type == type) return entry.a_un.a_val;
  }
  return 0;
}

// As getenv(3): of several, the first.
std::string_view FindVariable(std::string_view environment,
                              std::string_view name) {
  while (!environment.empty()) {
    std::string_view variable = environment.substr(0, environment.find('\0'));
    environment.remove_prefix(
        std::min(variable.size() + 1, environment.size()));
    if (variable.starts_with(name) && variable.size() > name.size() &&
        variable[name.size()] == '=') {
      return variable.substr(name.size() + 1);
    }
  }
  return {};
}

// The agent's thread closes its copies of all descriptors. The kernel then
// removes the notification that mq_notify(3) has registered for the process.
bool HasMessageQueue(pid_t pid) {
  const std::string folder = "/proc/" + std::to_string(pid) + "/fd";
  std::error_code error;
  for (std::filesystem::directory_iterator it(folder, error), end;
       !error && it != end; it.increment(error)) {
    std::error_code unreadable;
    const std::string target =
        std::filesystem::read_symlink(it->path(), unreadable).string();
    // The name of a queue. statfs(2) on other files could wait for a server.
    if (!target.starts_with('/') || target.rfind('/') != 0) continue;
    struct statfs filesystem = {};
    constexpr auto kMessageQueueFs = 0x19800202;  // MQUEUE_MAGIC
    if (statfs(it->path().c_str(), &filesystem) == 0 &&
        filesystem.f_type == kMessageQueueFs) {
      return true;
    }
  }
  return false;
}

}  // namespace

std::string FindAgentObstacle(std::string_view environment,
                              std::string_view auxiliary_vector,
                              const std::vector<std::string>& names) {
  if (FindVariable(environment, kAgentVariable) == kAgentOff) {
    return std::string(kAgentVariable) + "=" + std::string(kAgentOff) +
           " is set in its environment";
  }
  if (FindValue(auxiliary_vector, AT_SECURE) != 0) {
    return "has more privileges than its user, and does not load the agent";
  }
  const std::string_view excluded =
      FindVariable(environment, kAgentExcludeVariable);
  for (const std::string& path : names) {
    const std::string name = path.substr(path.rfind('/') + 1);
    if (IsExcluded(name, {})) {
      return name + " is excluded: it changes users or namespaces";
    }
    if (IsExcluded(name, excluded)) {
      return name + " is excluded by " + kAgentExcludeVariable +
             " in its environment";
    }
  }
  return {};
}

std::string FindAgentObstacle(const TargetProcess& target) {
  if (HasMessageQueue(target.pid)) {
    return "has a POSIX message queue open; to load the agent would end its "
           "mq_notify";
  }
  const std::string folder = "/proc/" + std::to_string(target.pid);
  const std::string arguments = ReadProcFile(folder + "/cmdline");
  std::vector<std::string> names = {
      ReadString(target.pid, FindValue(target.auxiliary_vector, AT_EXECFN),
                 kMaxPath),
      arguments.substr(0, arguments.find('\0'))};
  if (names.front().starts_with("/proc/")) {
    std::error_code error;
    names.push_back(std::filesystem::read_symlink(folder + "/exe", error));
  }
  return FindAgentObstacle(ReadProcFile(folder + "/environ"),
                           target.auxiliary_vector, names);
}

}  // namespace jemalloc_exporter
