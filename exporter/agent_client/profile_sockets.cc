#include "exporter/agent_client/profile_sockets.h"

#include "exporter/agent/protocol.h"
#include "exporter/agent_client/agent_discovery.h"

namespace jemalloc_exporter {

ProfileSockets::ProfileSockets() {
  for (const AgentSocket& socket : DiscoverAgents(kProfileSocketPrefix)) {
    names_.insert(socket.name.pid);
  }
}

bool ProfileSockets::Has(pid_t pid) {
  if (names_.empty()) return false;
  return names_.contains(namespaces_.NamespacePid(pid).value_or(pid));
}

bool ProfileSockets::Has(const Process& process) {
  return !process.pid_is_unverified && Has(process.pid);
}

}  // namespace jemalloc_exporter
