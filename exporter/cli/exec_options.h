#ifndef JEMALLOC_EXPORTER_EXPORTER_CLI_EXEC_OPTIONS_H_
#define JEMALLOC_EXPORTER_EXPORTER_CLI_EXEC_OPTIONS_H_

#include <string>
#include <vector>

#include "exporter/cli/exec.h"

namespace CLI {
class App;
}  // namespace CLI

namespace jemalloc_exporter {

/// Declares the options of `exec`, whose values are stored in `options` when
/// `exec` parses a command line. Both must outlive that.
void AddExecOptions(CLI::App& exec, ExecOptions& options);

/// Sets the options whose deprecated names were used, with a warning.
void ApplyDeprecatedOptions(ExecOptions& options);

/// Joins the value of --profile, or its default, to the option: CLI11 takes a
/// `--` behind an option whose value may be missing for the end of its values,
/// and the options of the command for those of `exec`.
std::vector<std::string> JoinProfileValue(std::vector<std::string> arguments);

}  // namespace jemalloc_exporter

#endif  // JEMALLOC_EXPORTER_EXPORTER_CLI_EXEC_OPTIONS_H_
