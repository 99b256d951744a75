#include "exporter/cli/show.h"

#include <sys/ioctl.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <iostream>
#include <nlohmann/json.hpp>
#include <string>
#include <thread>
#include <vector>

#include "exporter/agent_client/agent_poller.h"
#include "exporter/cli/process_heaps.h"
#include "exporter/cli/process_table.h"
#include "exporter/cli/write_stdout.h"
#include "exporter/metrics/process_metrics.h"
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
  const std::string hint = "; start it with: jemalloc_exporter exec -- COMMAND";
  if (options.pid && kill(*options.pid, 0) != 0 && errno == ESRCH) {
    return "there is no process " + std::to_string(*options.pid);
  }
  if (options.pid) {
    return "process " + std::to_string(*options.pid) +
           " does not carry the agent, or has no jemalloc" + hint;
  }
  return "no process carries the agent" + hint;
}

std::string ToJsonArray(const Processes& processes) {
  std::string json;
  for (const Process& process : processes) {
    const nlohmann::json comm = process.comm;
    json += json.empty() ? "[" : ",\n ";
    json += R"({"pid":)" + std::to_string(process.pid) + R"(,"comm":)" +
            comm.dump() + R"(,"state":")" +
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

// A terminal is cleared before each table; elsewhere the tables are appended.
void Watch(const ShowOptions& options, Seconds agent_timeout) {
  const std::string clear = isatty(STDOUT_FILENO) != 0 ? "\033[H\033[2J" : "";
  AgentPoller poller(FilterOf(options));
  Processes before = poller.Poll(agent_timeout);
  while (true) {
    Processes processes = poller.Poll(agent_timeout);
    WriteStdout(clear + (processes.empty()
                             ? EmptyResultMessage(options) + "\n"
                             : Render(options, processes, &before)));
    before = std::move(processes);
    std::this_thread::sleep_for(*options.watch);
  }
}

}  // namespace

int RunShow(const ShowOptions& options, Seconds agent_timeout) {
  if (options.watch) {
    Watch(options, agent_timeout);
    return 0;
  }
  const Processes processes =
      AgentPoller(FilterOf(options)).Poll(agent_timeout);
  if (processes.empty()) {
    std::cerr << "jemalloc_exporter: " << EmptyResultMessage(options) << '\n';
    return 1;
  }
  if (options.pid && processes.front().status != ProcessStatus::kUsed) {
    std::cerr << "jemalloc_exporter: process " << *options.pid
              << (processes.front().status == ProcessStatus::kUnused
                      ? " does not use its jemalloc\n"
                      : " does not respond\n");
    return 1;
  }
  WriteStdout(Render(options, processes, nullptr));
  return 0;
}

}  // namespace jemalloc_exporter
