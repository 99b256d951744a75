#ifndef JEMALLOC_EXPORTER_EXPORTER_CLI_EXEC_H_
#define JEMALLOC_EXPORTER_EXPORTER_CLI_EXEC_H_

#include <sys/types.h>

#include <functional>

#include "exporter/cli/exec_options.h"

namespace jemalloc_exporter {

/// What is served during an `exec`.
struct ExecScope {
  /// True for the processes that the command started, orphans included.
  std::function<bool(pid_t)> contains;
  /// Becomes readable when the command ends.
  int command_fd = -1;
};

/// Runs the command with the agent preloaded and `serve` in another process,
/// until the command ends.
///
/// The command replaces this process: pid, signals, exit status, job control,
/// $LISTEN_PID and sd_notify(3) are those of a command started without `exec`.
/// `serve` runs in a detached process: session of its own, reparented, without
/// the command's descriptors except stderr. It watches the command through a
/// pidfd. Then the function returns only if the command cannot be started: 127
/// if not found, otherwise 126.
///
/// In two cases this process stays the parent of the command, see
/// `RunAsParent`: as PID 1 or child subreaper, where the exporter would become
/// the command's child; and with a report, which has to be complete when the
/// caller continues. Returns the command's exit status, 128 + n for signal n.
///
/// A failure of `serve` never ends the command. Single-threaded callers only.
int RunExec(const ExecOptions& options,
            const std::function<int(const ExecScope&)>& serve);

}  // namespace jemalloc_exporter

#endif  // JEMALLOC_EXPORTER_EXPORTER_CLI_EXEC_H_
