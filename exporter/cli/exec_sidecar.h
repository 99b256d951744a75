#ifndef JEMALLOC_EXPORTER_EXPORTER_CLI_EXEC_SIDECAR_H_
#define JEMALLOC_EXPORTER_EXPORTER_CLI_EXEC_SIDECAR_H_

#include <sys/types.h>

#include <functional>
#include <string>

namespace jemalloc_exporter {

struct ExecSidecarOptions {
  /// The file to write.
  std::string path;
  /// The name of the run.
  std::string command;
  /// Whether a process belongs to the command.
  std::function<bool(pid_t)> contains;
};

/// What `exec` says to the process that watches, through a pipe, when its
/// command has ended.
struct CommandEnd {
  bool passed = false;
};

/// Watches the processes of the command that carry the agent, until a
/// `CommandEnd` can be read from the pipe `end`, or the end of the pipe: nobody
/// is left to say it. Then writes a `HeapReport` with the command as its run
/// and a record for each process: its name in the kernel, `ended`, or `running`
/// where it still is, and its last snapshot. Left out is a process that never
/// answered: it lived too short a time.
///
/// Between two looks there are 20 to 100 ms, the less the shorter a look takes:
/// no more than a twentieth of the time is spent on looking where that allows.
/// So old may a snapshot be, and a second older where others do not answer.
///
/// The file is written at the start, too, and up to once a second: killed with
/// all that it watches, a run leaves its last one, `running`. What cannot be
/// written is one line on stderr.
void WriteExecSidecar(const ExecSidecarOptions& options, int end);

}  // namespace jemalloc_exporter

#endif  // JEMALLOC_EXPORTER_EXPORTER_CLI_EXEC_SIDECAR_H_
