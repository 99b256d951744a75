#ifndef JEMALLOC_EXPORTER_EXPORTER_CLI_EXEC_COMMAND_H_
#define JEMALLOC_EXPORTER_EXPORTER_CLI_EXEC_COMMAND_H_

#include <string>
#include <vector>

namespace jemalloc_exporter {

/// Replaces this process with the command; `preload` becomes $LD_PRELOAD unless
/// empty. Returns errno on failure.
int ExecCommand(const std::vector<std::string>& command,
                const std::string& preload);

/// Prints why the command cannot be started. Returns the exit status that a
/// shell has for it: 127 if not found, otherwise 126.
int CannotStart(const std::string& command, int error);

}  // namespace jemalloc_exporter

#endif  // JEMALLOC_EXPORTER_EXPORTER_CLI_EXEC_COMMAND_H_
