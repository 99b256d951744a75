#ifndef JEMALLOC_EXPORTER_EXPORTER_CLI_EXEC_PARENT_H_
#define JEMALLOC_EXPORTER_EXPORTER_CLI_EXEC_PARENT_H_

#include <functional>
#include <string>

#include "exporter/cli/exec.h"
#include "exporter/cli/exec_tree.h"

namespace jemalloc_exporter {

/// `RunExec` with the command as a child. Signals to this process are forwarded
/// to the command, except those that the command has received itself: a signal
/// to the process group, the control group or from the terminal reaches it
/// once. Stops together with the command. Reaps orphans.
int RunAsParent(const ExecOptions& options, const std::string& preload,
                ExecTree& tree,
                const std::function<int(const ExecScope&)>& serve);

}  // namespace jemalloc_exporter

#endif  // JEMALLOC_EXPORTER_EXPORTER_CLI_EXEC_PARENT_H_
