#ifndef JEMALLOC_EXPORTER_EXPORTER_CLI_SHOW_OPTIONS_H_
#define JEMALLOC_EXPORTER_EXPORTER_CLI_SHOW_OPTIONS_H_

#include <sys/types.h>

#include <optional>

#include "exporter/text/seconds.h"

namespace CLI {
class App;
}  // namespace CLI

namespace jemalloc_exporter {

enum class ShowFormat { kHuman, kJson, kOpenMetrics };

struct ShowOptions {
  /// Absent: all processes that carry the agent.
  std::optional<pid_t> pid;
  /// Read a process that has no agent with ptrace(2): see `ReadHeapOnce`.
  bool ptrace = false;
  /// With `pid`: also every set of details. Not with `watch`.
  bool detail = false;
  /// See `StartConnectorOfCommand`.
  bool all_namespaces = false;
  ShowFormat format = ShowFormat::kHuman;
  /// Interval between two polls; absent: one poll.
  std::optional<Seconds> watch;
};

/// Declares the options of `show`, whose values are stored when `show` parses a
/// command line. All three must outlive that.
void AddShowOptions(CLI::App& show, ShowOptions& options,
                    Seconds& agent_timeout);

/// Throws CLI::ValidationError for options that exclude each other.
void CheckShowOptions(const ShowOptions& options);

}  // namespace jemalloc_exporter

#endif  // JEMALLOC_EXPORTER_EXPORTER_CLI_SHOW_OPTIONS_H_
