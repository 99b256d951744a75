#include "exporter/cli/exec_options.h"

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <algorithm>
#include <map>
#include <string>

#include "exporter/cli/log.h"
#include "exporter/cli/option_values.h"
#include "exporter/cli/profile_conf.h"

namespace jemalloc_exporter {
namespace {

constexpr const char* kProfileOption = "--profile";

void AddAgentOptions(CLI::App& exec, ExecOptions& options) {
  exec.add_flag("--with-jemalloc", options.with_jemalloc,
                "Replace the command's malloc by jemalloc");
  exec.add_option("--agent.path", options.agent_path,
                  "The agent's library (the one of the build folder or of the "
                  "installation)")
      ->type_name("FILE");
  const std::map<std::string, std::string> on_off = {{"on", "on"},
                                                     {"off", "off"}};
  AddChoice(exec, "--agent", options.agent, on_off,
            "off: the agent starts in no process (on)");
  AddChoice(exec, "--agent.fork", options.agent_fork, on_off,
            "off: the agent does not start in children created by fork(2) that "
            "call no execve(2); fork costs as much as without the agent (on)");
  exec.add_option("--agent.exclude", options.agent_exclude,
                  "Comma-separated names of programs in which the agent does "
                  "not start, in addition to those that change privileges (su, "
                  "sudo, setpriv, ...)")
      ->type_name("NAMES");
}

void AddProfileOption(CLI::App& exec, ExecOptions& options) {
  const auto read = [&options](const std::string& text) {
    options.profile_sample_bytes = ParseSampleBytes(text);
    if (!options.profile_sample_bytes) {
      throw CLI::ValidationError(
          kProfileOption,
          "invalid value '" + text +
              "': expected a power of two, or -- and the command");
    }
  };
  exec.add_option_function<std::string>(
          kProfileOption, read,
          "Sample the allocations, for heap profiles: one for each so many "
          "bytes, 524288 without a value. Prepends prof:true to MALLOC_CONF")
      ->type_name("[BYTES]")
      ->expected(0, 1)
      ->default_str(std::to_string(kDefaultSampleBytes));
}

void AddReportOptions(CLI::App& exec, ExecOptions& options) {
  exec.add_option("--report", options.report_path,
                  "When the command ends, write the last snapshot of each of "
                  "its processes to this file, for diff. Processes are sampled "
                  "at least every 0.1 s: one that lives shorter may be missing")
      ->type_name("FILE");
  exec.add_option("--sidecar", options.deprecated_report_path)
      ->group("");  // Hidden.
}

}  // namespace

void AddExecOptions(CLI::App& exec, ExecOptions& options) {
  AddAgentOptions(exec, options);
  AddProfileOption(exec, options);
  AddReportOptions(exec, options);
}

// Renamed in 0.2; to be removed one release later.
void ApplyDeprecatedOptions(ExecOptions& options) {
  if (options.deprecated_report_path.empty()) return;
  PrintWarning(
      "--sidecar and JEMALLOC_EXPORTER_SIDECAR are deprecated; use --report "
      "and JEMALLOC_EXPORTER_REPORT");
  if (options.report_path.empty())
    options.report_path = options.deprecated_report_path;
}

std::vector<std::string> JoinProfileValue(std::vector<std::string> arguments) {
  const auto separator = std::find(arguments.begin(), arguments.end(), "--");
  const auto option = std::find(arguments.begin(), separator, kProfileOption);
  if (option == separator) return arguments;
  const auto value = option + 1;
  if (value != separator && !value->starts_with('-')) {
    *option += "=" + *value;
    arguments.erase(value);
  } else {
    *option += "=" + std::to_string(kDefaultSampleBytes);
  }
  return arguments;
}

}  // namespace jemalloc_exporter
