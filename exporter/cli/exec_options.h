#ifndef JEMALLOC_EXPORTER_EXPORTER_CLI_EXEC_OPTIONS_H_
#define JEMALLOC_EXPORTER_EXPORTER_CLI_EXEC_OPTIONS_H_

#include "exporter/cli/exec.h"

namespace CLI {
class App;
}  // namespace CLI

namespace jemalloc_exporter {

/// Declares the options of `exec`, whose values are stored in `options` when
/// `exec` parses a command line. Both must outlive that.
void AddExecOptions(CLI::App& exec, ExecOptions& options);

}  // namespace jemalloc_exporter

#endif  // JEMALLOC_EXPORTER_EXPORTER_CLI_EXEC_OPTIONS_H_
