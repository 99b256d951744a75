#ifndef JEMALLOC_EXPORTER_EXPORTER_CLI_EXEC_REPORT_H_
#define JEMALLOC_EXPORTER_EXPORTER_CLI_EXEC_REPORT_H_

#include <sys/types.h>

#include <functional>
#include <string>

namespace jemalloc_exporter {

struct ExecReportOptions {
  /// The file to write.
  std::string path;
  /// Its file name is the name of the run.
  std::string command;
  /// Whether a process belongs to the command.
  std::function<bool(pid_t)> contains;
};

/// Sent by `exec` to the report writer when the command has exited.
struct CommandExit {
  bool passed = false;
};

/// Samples the heap state of the command's processes until a `CommandExit` or
/// the end of the pipe `exit_pipe` can be read: the end means that `exec` was
/// killed. Then writes a `HeapReport` with the command as its run and an entry
/// for each process: its comm, `ended` or `running`, and its last snapshot. A
/// process that never responded is omitted.
///
/// The pause between two samples is 20 to 100 ms: 20 times the duration of a
/// sample within these bounds. A snapshot in the report is at most that old,
/// and 1 s older if another process did not respond.
///
/// Checkpoints are written at the start and at most once per second, so that a
/// run whose processes are all killed leaves its last one, `running`. A write
/// error is printed as one line on stderr.
void WriteExecReport(const ExecReportOptions& options, int exit_pipe);

}  // namespace jemalloc_exporter

#endif  // JEMALLOC_EXPORTER_EXPORTER_CLI_EXEC_REPORT_H_
