#ifndef JEMALLOC_EXPORTER_EXPORTER_CLI_EXEC_OPTIONS_H_
#define JEMALLOC_EXPORTER_EXPORTER_CLI_EXEC_OPTIONS_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace CLI {
class App;
}  // namespace CLI

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
