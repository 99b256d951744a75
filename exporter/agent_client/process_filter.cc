#include "exporter/agent_client/process_filter.h"

#include <unistd.h>

#include "exporter/process/process_tree.h"

namespace jemalloc_exporter {

std::optional<bool> ProcessFilter::Verify(const AgentAddress& name,
                                          pid_t kernel_pid,
                                          NamespacePidCache& namespaces) const {
  if (kernel_pid == 0) return !includes || includes_unverified;
  if (kernel_pid == getpid()) return false;
  if (kernel_pid != name.pid) {
    const auto innermost = namespaces.NamespacePid(kernel_pid);
    if (!innermost) return std::nullopt;
    if (*innermost != name.pid) return false;
  }
  return Includes(kernel_pid);
}

std::set<pid_t> ProcessFilter::FindNested(const std::set<pid_t>& pids) const {
  NamespacePidCache namespaces;
  std::set<pid_t> nested;
  for (const pid_t pid : ListPids()) {
    const auto innermost = namespaces.NamespacePid(pid);
    if (innermost && *innermost != pid && pids.contains(*innermost) &&
        Includes(pid)) {
      nested.insert(*innermost);
    }
  }
  return nested;
}

}  // namespace jemalloc_exporter
