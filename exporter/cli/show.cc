#include "exporter/cli/show.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <iomanip>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "exporter/agent_client/agent_poller.h"
#include "exporter/attach/one_shot.h"
#include "exporter/cli/all_namespaces.h"
#include "exporter/cli/log.h"
#include "exporter/cli/process_heaps.h"
#include "exporter/cli/process_table.h"
#include "exporter/cli/write_stdout.h"
#include "exporter/metrics/process_metrics.h"
#include "exporter/process/proc_stat.h"
#include "exporter/process/stripped_jemalloc.h"
#include "jemalloc_exporter/exposition.h"

namespace jemalloc_exporter {
namespace {

using Processes = std::vector<Process>;

ProcessFilter FilterOf(const ShowOptions& options) {
  if (!options.pid) return {};
  return {
      .includes = [pid = *options.pid](pid_t other) { return other == pid; },
      .includes_unverified = true};
}

std::string EmptyResultMessage(const ShowOptions& options) {
  constexpr const char* kStart =
      "; start it with: jemalloc_exporter exec -- COMMAND";
  if (options.pid && kill(*options.pid, 0) != 0 && errno == ESRCH) {
    return "there is no process " + std::to_string(*options.pid);
  }
  if (options.pid) {
    const std::string pid = std::to_string(*options.pid);
    const std::string stripped =
        DescribeStrippedJemalloc("/proc/" + pid + "/exe");
    if (!stripped.empty()) return "process " + pid + ": " + stripped;
    return "process " + pid + " does not carry the agent, or has no jemalloc" +
           kStart + "; or load it now: jemalloc_exporter attach " + pid +
           "; or read it once with --ptrace, which stops one of its threads "
           "for about 1 ms";
  }
  return std::string("no process carries the agent") + kStart;
}

// Members of an object, with a comma after each.
std::string CgroupToJson(const Cgroup& cgroup) {
  std::string json;
  for (const auto& [key, value] :
       {std::pair{"unit", cgroup.unit},
        std::pair{"container_id", cgroup.container_id},
        std::pair{"pod_uid", cgroup.pod_uid}}) {
    if (value.empty()) continue;
    json +=
        "\"" + std::string(key) + "\":" + nlohmann::json(value).dump() + ",";
  }
  return json;
}

std::string ToJsonArray(const Processes& processes) {
  std::string json;
  for (const Process& process : processes) {
    const nlohmann::json comm = process.comm;
    json += json.empty() ? "[" : ",\n ";
    json += R"({"pid":)" + std::to_string(process.pid) + R"(,"comm":)" +
            comm.dump() + "," + CgroupToJson(process.cgroup) + R"("state":")" +
            std::string(ToString(process.status)) + R"(","heap_state":)" +
            HeapsToJson(process) + "}";
  }
  return json + "]\n";
}

// Unlimited where stdout is not a terminal. Lines are limited with --watch
// only: without it the terminal can be scrolled. The cursor takes a line.
TerminalSize GetTerminalSize(const ShowOptions& options) {
  winsize window{};
  if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &window) != 0) return {};
  TerminalSize size;
  if (window.ws_col > 0) size.width = window.ws_col;
  if (options.watch && window.ws_row > 1) size.lines = window.ws_row - 1;
  return size;
}

std::string Render(const ShowOptions& options, const Processes& processes,
                   const Processes* before) {
  switch (options.format) {
    case ShowFormat::kHuman:
      if (options.pid && before == nullptr) {
        return HeapsToText(processes.front());
      }
      return ProcessTable(processes, before, GetTerminalSize(options));
    case ShowFormat::kJson:
      return options.pid ? HeapsToJson(processes.front()) + "\n"
                         : ToJsonArray(processes);
    case ShowFormat::kOpenMetrics:
      break;
  }
  return OpenMetricsSerializer().Serialize(ProcessMetrics(processes));
}

bool HasDetails(const Process& process) {
  return process.details ||
         std::any_of(
             process.heaps.begin(), process.heaps.end(),
             [](const ProcessHeap& heap) { return heap.details != nullptr; });
}

// One line about what was done to the process.
void ReportReading(pid_t pid, const OneShotReading& reading) {
  using Milliseconds = std::chrono::duration<double, std::milli>;
  std::ostringstream line;
  line << pid << " (" << reading.comm << "): stopped thread " << reading.thread
       << " for " << std::fixed << std::setprecision(2)
       << Milliseconds(reading.stopped_time).count()
       << " ms to call mallctl; nothing was loaded";
  PrintNotice(line.str());
}

Processes ReadWithPtrace(pid_t pid) {
  const OneShotReading reading = ReadHeapOnce(pid);
  ReportReading(pid, reading);
  Process process;
  process.pid = pid;
  process.comm = reading.comm;
  process.status = ProcessStatus::kUnused;
  std::vector<ProcessHeap> heaps;
  for (const OneShotHeap& heap : reading.heaps) {
    if (heap.snapshot.used) process.status = ProcessStatus::kUsed;
    heaps.push_back({.prefix = heap.prefix,
                     .jemalloc_version = heap.jemalloc_version,
                     .used = heap.snapshot.used,
                     .heap_state = heap.snapshot.visible_state()});
  }
  process.jemalloc_version = heaps.front().jemalloc_version;
  process.heap_state = SumOfHeaps(heaps);
  if (heaps.size() > 1) process.heaps = std::move(heaps);
  if (const auto stat = ReadProcStat(pid)) SetProcStat(*stat, process);
  process.cgroup = ReadCgroup(pid);
  return {process};
}

// First by the agent, which stops no thread.
Processes Poll(const ShowOptions& options, AgentPoller& poller,
               Seconds agent_timeout) {
  const HeapDetailSets sets =
      options.detail ? HeapDetailSets::All() : HeapDetailSets{};
  Processes processes =
      poller.Poll(agent_timeout, {.sets = sets, .includes = {}});
  if (processes.empty() && options.ptrace) return ReadWithPtrace(*options.pid);
  return processes;
}

// A terminal is cleared before each table; elsewhere the tables are appended.
void Watch(const ShowOptions& options, Seconds agent_timeout,
           Connector* connector) {
  const std::string clear = isatty(STDOUT_FILENO) != 0 ? "\033[H\033[2J" : "";
  AgentPoller poller(FilterOf(options), connector);
  Processes before = Poll(options, poller, agent_timeout);
  while (true) {
    Processes processes = Poll(options, poller, agent_timeout);
    WriteStdout(clear + (processes.empty()
                             ? EmptyResultMessage(options) + "\n"
                             : Render(options, processes, &before)));
    before = std::move(processes);
    std::this_thread::sleep_for(*options.watch);
  }
}

}  // namespace

int RunShow(const ShowOptions& options, Seconds agent_timeout) {
  const auto connector =
      options.all_namespaces ? StartConnectorOfCommand() : nullptr;
  if (options.watch) {
    Watch(options, agent_timeout, connector.get());
    return 0;
  }
  AgentPoller poller(FilterOf(options), connector.get());
  const Processes processes = Poll(options, poller, agent_timeout);
  if (processes.empty()) {
    PrintError(EmptyResultMessage(options));
    return 1;
  }
  if (options.pid && processes.front().status != ProcessStatus::kUsed) {
    PrintError("process " + std::to_string(*options.pid) +
               (processes.front().status == ProcessStatus::kUnused
                    ? " does not use its jemalloc"
                    : " does not respond"));
    return 1;
  }
  if (options.detail && !HasDetails(processes.front())) {
    PrintWarning(
        "process " + std::to_string(*options.pid) +
        " returned no details: its agent is older, or its jemalloc has "
        "no statistics");
  }
  WriteStdout(Render(options, processes, nullptr));
  return 0;
}

}  // namespace jemalloc_exporter
