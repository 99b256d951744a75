#ifndef JEMALLOC_EXPORTER_EXPORTER_CLI_COMMAND_LINE_H_
#define JEMALLOC_EXPORTER_EXPORTER_CLI_COMMAND_LINE_H_

#include <CLI/App.hpp>
#include <functional>
#include <string>

#include "exporter/cli/diff.h"
#include "exporter/cli/exec.h"
#include "exporter/cli/log.h"
#include "exporter/cli/serve.h"
#include "exporter/cli/show.h"

namespace jemalloc_exporter {

/// What the command line asks for.
struct CommandLine {
  LogLevel log_level = LogLevel::kInfo;
  LogFormat log_format = LogFormat::kLogfmt;
  ServeOptions serve;
  ExecOptions exec;
  ShowOptions show;
  DiffOptions diff;
  /// Runs the command that was asked for; returns the exit status.
  std::function<int()> run;
};

/// Declares every command and option, with its environment variable; parsing
/// with `app` fills `line`, which must outlive it.
void DeclareCommandLine(CLI::App& app, CommandLine& line);

}  // namespace jemalloc_exporter

#endif  // JEMALLOC_EXPORTER_EXPORTER_CLI_COMMAND_LINE_H_
