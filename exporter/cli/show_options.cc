#include "exporter/cli/show_options.h"

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>

#include "exporter/cli/option_values.h"
#include "exporter/cli/serve_options.h"

namespace jemalloc_exporter {

void AddShowOptions(CLI::App& show, ShowOptions& options,
                    Seconds& agent_timeout) {
  AddPid(show, "--pid", options.pid, "Print the snapshot of this process");
  show.add_flag("--ptrace", options.ptrace,
                "With --pid: if the process does not have the agent, stop one "
                "waiting thread of it for about 1 ms, in which it calls "
                "mallctl. Nothing is loaded");
  show.add_flag(
      "--detail", options.detail,
      "With --pid: also print the size classes, mutexes, arenas and extents");
  AddDuration(show, "--watch", "Print again at this interval",
              [&options](Seconds interval) { options.watch = interval; });
  AddAgentTimeout(show, agent_timeout);
  AddAllNamespaces(show, options.all_namespaces);
  AddChoice<ShowFormat>(show, "--format", options.format,
                        {{"human", ShowFormat::kHuman},
                         {"json", ShowFormat::kJson},
                         {"openmetrics", ShowFormat::kOpenMetrics}},
                        "Format of the output (human)");
}

void CheckShowOptions(const ShowOptions& options) {
  if (options.ptrace && !options.pid) {
    throw CLI::ValidationError("--ptrace requires --pid");
  }
  if (options.detail && (!options.pid || options.watch)) {
    throw CLI::ValidationError(
        "--detail requires --pid, and cannot be used with --watch");
  }
}

}  // namespace jemalloc_exporter
