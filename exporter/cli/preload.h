#ifndef JEMALLOC_EXPORTER_EXPORTER_CLI_PRELOAD_H_
#define JEMALLOC_EXPORTER_EXPORTER_CLI_PRELOAD_H_

#include <string>
#include <vector>

namespace jemalloc_exporter {

/// The libraries to preload, and the command.
struct PreloadOptions {
  /// The program, a path or a name that is searched for as by execvp(3), and
  /// its arguments.
  std::vector<std::string> command;
  /// jemalloc before the agent.
  bool with_jemalloc = false;
  /// The agent's library; empty: the one of the build folder or installation.
  std::string agent_path;
};

/// Returns the value of LD_PRELOAD with the libraries before those that are
/// preloaded already. Empty if the agent cannot be read. `hint` is set to one
/// line if the command will not be served: no agent, a static or a setuid
/// program, a jemalloc without symbols; or if it starts programs as another
/// user, who cannot read the agent.
std::string Preload(const PreloadOptions& options, std::string* hint);

/// Returns the path of the agent's library: beside this program (build folder),
/// or ../lib/jemalloc_exporter (installation).
std::string FindAgent();

}  // namespace jemalloc_exporter

#endif  // JEMALLOC_EXPORTER_EXPORTER_CLI_PRELOAD_H_
