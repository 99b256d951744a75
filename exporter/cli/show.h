#ifndef JEMALLOC_EXPORTER_EXPORTER_CLI_SHOW_H_
#define JEMALLOC_EXPORTER_EXPORTER_CLI_SHOW_H_

#include <sys/types.h>

#include <optional>

#include "exporter/text/seconds.h"

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

/// Writes a table of the processes that carry the agent, or the heap state of
/// one process, to stdout. Returns the exit status: 1 with a line on stderr
/// when no process responded within `agent_timeout`. Throws std::runtime_error
/// when stdout cannot be written, and AttachError when a process cannot be
/// read with ptrace(2).
int RunShow(const ShowOptions& options, Seconds agent_timeout);

}  // namespace jemalloc_exporter

#endif  // JEMALLOC_EXPORTER_EXPORTER_CLI_SHOW_H_
