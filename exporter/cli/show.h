#ifndef JEMALLOC_EXPORTER_EXPORTER_CLI_SHOW_H_
#define JEMALLOC_EXPORTER_EXPORTER_CLI_SHOW_H_

#include <sys/types.h>

#include <optional>

#include "exporter/text/seconds.h"

namespace jemalloc_exporter {

enum class ShowFormat { kHuman, kJson, kOpenMetrics };

struct ShowOptions {
  /// One process; all that carry the agent where there is none.
  std::optional<pid_t> pid;
  ShowFormat format = ShowFormat::kHuman;
  /// Looks again and again, so many seconds apart.
  std::optional<Seconds> watch;
};

/// Prints the heaps of the processes that carry the agent: as a table, or of
/// one process the snapshot. Returns the exit status: 1 when there is nothing
/// to show, which a line on stderr explains. Waits for answers no longer than
/// `agent_timeout`.
int RunShow(const ShowOptions& options, Seconds agent_timeout);

}  // namespace jemalloc_exporter

#endif  // JEMALLOC_EXPORTER_EXPORTER_CLI_SHOW_H_
