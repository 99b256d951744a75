#ifndef JEMALLOC_EXPORTER_EXPORTER_CLI_ATTACH_H_
#define JEMALLOC_EXPORTER_EXPORTER_CLI_ATTACH_H_

#include <sys/types.h>

#include <string>

namespace jemalloc_exporter {

struct AttachOptions {
  pid_t pid = 0;
  /// The agent's library; empty: see `FindAgent`.
  std::string agent_path;
};

/// Loads the agent into a process, and writes one line about it to stderr.
/// Returns the exit status 0. Throws AttachError.
int RunAttach(const AttachOptions& options);

/// Ends the agent's thread of a process, in the same way.
int RunDetach(pid_t pid);

}  // namespace jemalloc_exporter

#endif  // JEMALLOC_EXPORTER_EXPORTER_CLI_ATTACH_H_
