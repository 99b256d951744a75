#include "exporter/attach/agent_thread.h"

#include <sched.h>
#include <sys/resource.h>

#include <algorithm>
#include <string>

#include "exporter/agent/protocol.h"
#include "exporter/agent_client/agent_discovery.h"
#include "exporter/attach/thread_list.h"
#include "exporter/process/proc_file.h"

namespace jemalloc_exporter {
namespace {

bool HasSocket(pid_t pid) {
  const std::string folder = "/proc/" + std::to_string(pid);
  const pid_t own_pid = NamespaceId(ReadProcFile(folder + "/status"));
  const auto sockets =
      ParseSocketTable(ReadProcFile(folder + "/net/unix")).agents;
  return std::any_of(
      sockets.begin(), sockets.end(),
      [&](const AgentSocket& socket) { return socket.name.pid == own_pid; });
}

}  // namespace

pid_t FindAgentThread(pid_t pid) {
  for (const pid_t thread : ListThreads(pid)) {
    if (thread != pid && ReadThreadName(pid, thread) == kThreadName) {
      return HasSocket(pid) ? thread : 0;
    }
  }
  return 0;
}

void ResetScheduling(pid_t pid, pid_t agent_thread) {
  const sched_param parameters = {};
  sched_setscheduler(agent_thread, SCHED_OTHER, &parameters);
  const auto target = static_cast<id_t>(agent_thread);
  setpriority(PRIO_PROCESS, target,
              getpriority(PRIO_PROCESS, static_cast<id_t>(pid)));
  cpu_set_t all;
  CPU_ZERO(&all);
  for (const pid_t thread : ListThreads(pid)) {
    cpu_set_t some;
    if (sched_getaffinity(thread, sizeof(some), &some) == 0) {
      CPU_OR(&all, &all, &some);
    }
  }
  sched_setaffinity(agent_thread, sizeof(all), &all);
}

}  // namespace jemalloc_exporter
