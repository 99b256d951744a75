#ifndef JEMALLOC_EXPORTER_EXPORTER_CLI_EXEC_SERVER_H_
#define JEMALLOC_EXPORTER_EXPORTER_CLI_EXEC_SERVER_H_

#include <functional>
#include <set>
#include <string>

#include "exporter/cli/exec.h"
#include "exporter/cli/exec_tree.h"

namespace jemalloc_exporter {

struct ExecServer {
  ExecTree tree;
  std::string command;
  bool with_jemalloc = false;
  /// Of the command; -1 if pidfds are not supported.
  int pidfd = -1;
  /// A pipe. A byte: the command could not be started. Its end: it was started.
  int exec_failed = -1;
};

/// Starts `serve` in a detached process: not a child of this process, and in a
/// session of its own. No SIGCHLD stays pending, and waitpid(2) finds no child.
/// On failure it prints one line.
///
/// The detached process prints one line if `serve` fails while the command
/// runs, if processes with the agent outlive the command, and if a signal such
/// as SIGABRT terminated a command that was given jemalloc.
void StartServer(const ExecServer& server,
                 const std::function<int(const ExecScope&)>& serve);

/// Replaces stdin and stdout by /dev/null and closes all other descriptors but
/// stderr and those to keep: a reader that waits for the command to close a
/// pipe must not wait for another process.
void DetachStreams(const std::set<int>& keep);

}  // namespace jemalloc_exporter

#endif  // JEMALLOC_EXPORTER_EXPORTER_CLI_EXEC_SERVER_H_
