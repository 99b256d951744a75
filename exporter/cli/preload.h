#ifndef JEMALLOC_EXPORTER_EXPORTER_CLI_PRELOAD_H_
#define JEMALLOC_EXPORTER_EXPORTER_CLI_PRELOAD_H_

#include <string>
#include <vector>

namespace jemalloc_exporter {

/// Which libraries a command is to be given.
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
/// program; or if it starts programs as another user, who cannot read the agent.
std::string Preload(const PreloadOptions& options, std::string* hint);

/// The path of the agent's library: beside the program in a build folder, or
/// where an installation puts it.
std::string FindAgent();

}  // namespace jemalloc_exporter

#endif  // JEMALLOC_EXPORTER_EXPORTER_CLI_PRELOAD_H_
