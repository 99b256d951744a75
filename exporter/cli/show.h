#ifndef JEMALLOC_EXPORTER_EXPORTER_CLI_SHOW_H_
#define JEMALLOC_EXPORTER_EXPORTER_CLI_SHOW_H_

#include "exporter/cli/show_options.h"
#include "exporter/text/seconds.h"

namespace jemalloc_exporter {

/// Writes a table of the processes that carry the agent, or the heap state of
/// one process, to stdout. Returns the exit status: 1 with a line on stderr
/// when no process responded within `agent_timeout`. Throws std::runtime_error
/// when stdout cannot be written, and AttachError when a process cannot be
/// read with ptrace(2).
int RunShow(const ShowOptions& options, Seconds agent_timeout);

}  // namespace jemalloc_exporter

#endif  // JEMALLOC_EXPORTER_EXPORTER_CLI_SHOW_H_
