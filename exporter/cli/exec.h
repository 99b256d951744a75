#ifndef JEMALLOC_EXPORTER_EXPORTER_CLI_EXEC_H_
#define JEMALLOC_EXPORTER_EXPORTER_CLI_EXEC_H_

#include <functional>
#include <string>
#include <vector>

namespace jemalloc_exporter {

struct ExecOptions {
  /// The program and its arguments.
  std::vector<std::string> command;
  /// Gives the program jemalloc in place of its own malloc.
  bool with_jemalloc = false;
  /// The agent's library; empty to find it where it was built or installed.
  std::string agent_path;
  /// Where the last snapshots of the command's processes are written, see
  /// `WriteExecSidecar`; empty for nowhere.
  std::string sidecar_path;
};

/// Runs the command with the agent preloaded, and `serve` beside it in a
/// process of its own, until the command ends. The command's stdin, stdout,
/// stderr and terminal are its own; signals sent to this process are passed on
/// to it; orphans of it are reaped, as by an init. Whatever becomes of `serve`,
/// or of the process that watches for the sidecar, the command goes on.
///
/// Returns the command's exit status, 128 + n where signal n ended it; 127
/// where it is not found and 126 where it cannot be started, as a shell does.
/// Call before there are threads.
int RunExec(const ExecOptions& options, const std::function<int()>& serve);

}  // namespace jemalloc_exporter

#endif  // JEMALLOC_EXPORTER_EXPORTER_CLI_EXEC_H_
