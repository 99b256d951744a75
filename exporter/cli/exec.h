#ifndef JEMALLOC_EXPORTER_EXPORTER_CLI_EXEC_H_
#define JEMALLOC_EXPORTER_EXPORTER_CLI_EXEC_H_

#include <sys/types.h>

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace jemalloc_exporter {

struct ExecOptions {
  /// The program and its arguments.
  std::vector<std::string> command;
  /// Preloads jemalloc before the agent.
  bool with_jemalloc = false;
  /// The agent's library; empty: the one of the build folder or installation.
  std::string agent_path;
  /// `on` or `off`: values of the agent's environment variables. Empty: the
  /// inherited ones.
  std::string agent;
  std::string agent_fork;
  /// jemalloc samples the command's allocations, each time that so many bytes
  /// were allocated.
  std::optional<std::uint64_t> profile_sample_bytes;
  /// Program names, separated by commas; in addition to inherited ones.
  std::string agent_exclude;
  /// File for the last snapshot of each process, see `WriteExecReport`;
  /// empty: none.
  std::string report_path;
  /// Deprecated name of `report_path`.
  std::string deprecated_report_path;
};

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
