#include "exporter/attach/agent_thread.h"

#include <dirent.h>
#include <sched.h>
#include <sys/resource.h>

#include <algorithm>
#include <charconv>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "exporter/agent_client/agent_discovery.h"
#include "exporter/attach/target_process.h"
#include "exporter/process/proc_file.h"

namespace jemalloc_exporter {
namespace {

std::vector<pid_t> ListThreads(pid_t pid) {
  std::vector<pid_t> threads;
  const std::string path = "/proc/" + std::to_string(pid) + "/task";
  const std::unique_ptr<DIR, int (*)(DIR*)> listing(opendir(path.c_str()),
                                                    closedir);
  while (const dirent* const entry =
             listing ? readdir(listing.get()) : nullptr) {
    const std::string_view name = entry->d_name;
    pid_t thread = 0;
    std::from_chars(name.data(), name.data() + name.size(), thread);
    if (thread > 0) threads.push_back(thread);
  }
  return threads;
}

// The pid in the process's own pid namespace, with which its socket is named.
int NamespacePid(std::string_view status) {
  const std::string_view ids = StatusField(status, "NSpid");
  const auto last = ids.rfind('\t');
  const std::string_view id =
      last == std::string_view::npos ? ids : ids.substr(last + 1);
  int pid = 0;
  std::from_chars(id.data(), id.data() + id.size(), pid);
  return pid;
}

bool HasSocket(pid_t pid) {
  const std::string folder = "/proc/" + std::to_string(pid);
  const int own_pid = NamespacePid(ReadProcFile(folder + "/status"));
  const auto sockets = ParseSocketTable(ReadProcFile(folder + "/net/unix"));
  return std::any_of(
      sockets.begin(), sockets.end(),
      [&](const AgentSocket& socket) { return socket.name.pid == own_pid; });
}

}  // namespace

pid_t FindAgentThread(pid_t pid) {
  for (const pid_t thread : ListThreads(pid)) {
    const std::string comm =
        ReadProcFile("/proc/" + std::to_string(pid) + "/task/" +
                     std::to_string(thread) + "/comm");
    if (comm == "jemalloc_export\n" && thread != pid) {
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
