#ifndef JEMALLOC_EXPORTER_EXPORTER_CLI_COMMAND_LINE_H_
#define JEMALLOC_EXPORTER_EXPORTER_CLI_COMMAND_LINE_H_

#include <functional>
#include <optional>

#include "exporter/cli/attach.h"
#include "exporter/cli/diff.h"
#include "exporter/cli/exec.h"
#include "exporter/cli/log.h"
#include "exporter/cli/profile.h"
#include "exporter/cli/serve.h"
#include "exporter/cli/show.h"

namespace jemalloc_exporter {

/// The parsed command line.
struct CommandLine {
  LogLevel log_level = LogLevel::kInfo;
  LogFormat log_format = LogFormat::kLogfmt;
  ServeOptions serve;
  ExecOptions exec;
  ShowOptions show;
  DiffOptions diff;
  AttachOptions attach;
  ProfileOptions profile;
  /// Runs the command; returns the exit status.
  std::function<int()> run;
};

/// Parses arguments and environment, and configures the log accordingly.
/// Returns the exit status where nothing is left to run: 0 after --help or
/// --version, 2 after one line about a mistake. `line` must outlive the calls
/// of `line.run`.
std::optional<int> ParseCommandLine(int argc, const char* const* argv,
                                    CommandLine& line);

}  // namespace jemalloc_exporter

#endif  // JEMALLOC_EXPORTER_EXPORTER_CLI_COMMAND_LINE_H_
