#include "exporter/cli/command_line.h"

#include <unistd.h>

#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <algorithm>
#include <cctype>
#include <functional>
#include <map>
#include <stdexcept>

#include "build_info.h"
#include "exporter/process/process_tree.h"

namespace jemalloc_exporter {
namespace {

// `--web.listen-address` is also JEMALLOC_EXPORTER_WEB_LISTEN_ADDRESS.
void NameEnvironment(CLI::App& app) {
  for (CLI::Option* option : app.get_options()) {
    if (option->get_lnames().empty() || option == app.get_help_ptr()) continue;
    std::string name = "JEMALLOC_EXPORTER_" + option->get_lnames().front();
    std::transform(name.begin(), name.end(), name.begin(), [](unsigned char c) {
      return c == '.' || c == '-' ? '_' : static_cast<char>(std::toupper(c));
    });
    option->envname(name);
  }
}

// Declares an option that takes one of a few names.
template <typename T>
void AddChoice(CLI::App& app, const std::string& name, T& value,
               const std::map<std::string, T>& choices,
               const std::string& description) {
  std::string names;
  for (const auto& [choice, _] : choices) {
    names += (names.empty() ? "" : "|") + choice;
  }
  const auto choose = [&value, choices, name, names](const std::string& text) {
    const auto choice = choices.find(text);
    if (choice == choices.end()) {
      throw CLI::ValidationError(name, text + " is none of " + names);
    }
    value = choice->second;
  };
  app.add_option_function<std::string>(name, choose, description)
      ->option_text(names);
}

std::string CheckTelemetryPath(const std::string& path) {
  return path.starts_with('/') ? "" : path + " does not begin with /";
}

std::string CheckCount(const std::string& text) {
  int count = 0;
  return CLI::detail::lexical_cast(text, count) && count >= 0
             ? ""
             : text + " is no number from 0 on";
}

// Declares an option that takes a time.
void AddSeconds(CLI::App& app, const std::string& name,
                const std::string& description,
                const std::function<void(Seconds)>& set) {
  constexpr double kDay = 86'400;
  const auto read = [name, set](const std::string& text) {
    double seconds = 0;
    // Not `<= 0`, which is false of NaN.
    if (!CLI::detail::lexical_cast(text, seconds) || !(seconds > 0) ||
        seconds > kDay) {
      throw CLI::ValidationError(name,
                                 text + " is no number of seconds up to a day");
    }
    set(Seconds(seconds));
  };
  app.add_option_function<std::string>(name, read, description)
      ->option_text("SECONDS");
}

void AddAgentTimeout(CLI::App& app, CommandLine& line) {
  AddSeconds(app, "--agent.timeout",
             "Longest time to wait for processes to answer (1)",
             [&line](Seconds seconds) { line.serve.agent_timeout = seconds; });
}

void AddLogOptions(CLI::App& app, CommandLine& line) {
  AddChoice<LogLevel>(app, "--log.level", line.log_level,
                      {{"debug", LogLevel::kDebug},
                       {"info", LogLevel::kInfo},
                       {"warn", LogLevel::kWarn},
                       {"error", LogLevel::kError}},
                      "Only log messages of this severity and above (info)");
  AddChoice<LogFormat>(
      app, "--log.format", line.log_format,
      {{"logfmt", LogFormat::kLogfmt}, {"json", LogFormat::kJson}},
      "Format of log messages (logfmt)");
}

void AddServeOptions(CLI::App& app, ServeOptions& serve) {
  app.add_option("--web.listen-address", serve.listen_addresses,
                 "Address to listen on: HOST:PORT, [IPV6]:PORT, :PORT or "
                 "unix:PATH; may be given more than once, separated by commas "
                 "in the environment")
      ->delimiter(',')
      ->allow_extra_args(false)
      ->capture_default_str();
  app.add_flag("--web.systemd-socket", serve.systemd_socket,
               "Listen on the sockets that systemd hands over instead");
  app.add_option("--web.config.file", serve.config_file,
                 "TLS and passwords, in the format of the Prometheus exporter "
                 "toolkit");
  app.add_option("--web.telemetry-path", serve.telemetry_path,
                 "Path under which the metrics are served")
      ->check(CLI::Validator(CheckTelemetryPath, ""))
      ->capture_default_str();
  app.add_option("--web.max-requests", serve.max_requests,
                 "Most scrapes at the same time; 0 for any number")
      ->check(CLI::Validator(CheckCount, ""))
      ->capture_default_str();
  app.add_flag("--web.disable-exporter-metrics", serve.disable_exporter_metrics,
               "Leave out the metrics about the exporter itself");
}

void AddServe(CLI::App& app, CommandLine& line) {
  CLI::App* serve = app.add_subcommand(
      "serve", "Serve the metrics over HTTP; what is done without a command");
  // Its options are those of the program, so that they work without it.
  serve->fallthrough()->set_help_flag();
  serve->footer("Takes the options that jemalloc_exporter --help lists.");
  line.run = [&line] { return RunServe(line.serve); };
}

void AddExec(CLI::App& app, CommandLine& line) {
  CLI::App* exec = app.add_subcommand(
      "exec",
      "Run a command with the agent preloaded, and serve until it ends");
  exec->fallthrough()->set_help_flag();
  exec->footer("Takes the options that jemalloc_exporter --help lists.");
  exec->add_flag("--with-jemalloc", line.exec.with_jemalloc,
                 "Give the command jemalloc in place of its own malloc");
  exec->add_option("--agent.path", line.exec.agent_path,
                   "The agent's library; found by itself where it was built or "
                   "installed");
  exec->add_option("--sidecar", line.exec.sidecar_path,
                   "When the command has ended, write the last snapshot of "
                   "each process of it that carried the agent to this file, "
                   "for diff. Snapshots are taken while processes run, at "
                   "least ten times a second: a process that lives shorter "
                   "than 0.1 s may be missing")
      ->option_text("FILE");
  exec->add_option("COMMAND", line.exec.command,
                   "The command and its arguments, behind --")
      ->required();
  exec->callback([&app, &line] {
    // The command's stderr is its own, but for what it must hear.
    if (app.count("--log.level") == 0) line.log_level = LogLevel::kWarn;
    line.run = [&line] {
      line.serve.process_filter.includes = [ancestor = getpid()](pid_t pid) {
        return IsDescendant(pid, ancestor);
      };
      return RunExec(line.exec, [&line] { return RunServe(line.serve); });
    };
  });
}

void AddShow(CLI::App& app, CommandLine& line) {
  CLI::App* show = app.add_subcommand(
      "show", "Print the heaps of the processes that carry the agent");
  show->add_option("--pid", line.show.pid, "The snapshot of this process");
  AddSeconds(*show, "--watch", "Look again every so many seconds",
             [&line](Seconds seconds) { line.show.watch = seconds; });
  AddAgentTimeout(*show, line);
  AddChoice<ShowFormat>(*show, "--format", line.show.format,
                        {{"human", ShowFormat::kHuman},
                         {"json", ShowFormat::kJson},
                         {"openmetrics", ShowFormat::kOpenMetrics}},
                        "Format of the output (human)");
  show->callback([&line] {
    line.run = [&line] { return RunShow(line.show, line.serve.agent_timeout); };
  });
}

void AddDiff(CLI::App& app, CommandLine& line) {
  CLI::App* diff = app.add_subcommand(
      "diff",
      "Print what changed between two snapshots, as show --pid PID --format "
      "json prints them, or between the sidecars of two test runs; exit 0 when "
      "they are equal, 1 when not, 2 on trouble");
  diff->add_option("BEFORE", line.diff.before, "The earlier state")->required();
  diff->add_option("AFTER", line.diff.after, "The later state")->required();
  diff->callback(
      [&line] { line.run = [&line] { return RunDiff(line.diff); }; });
}

// As the exporters of the Prometheus project print it.
std::string Version() {
  return "jemalloc_exporter, version " + std::string(kVersion) +
         " (revision: " + std::string(kRevision) +
         ")\n  compiler: " + std::string(kCompiler);
}

}  // namespace

void DeclareCommandLine(CLI::App& app, CommandLine& line) {
  app.name("jemalloc_exporter");
  app.description("Prometheus exporter of jemalloc's heap state.");
  app.footer(
      "Every option can also be given in the environment: "
      "--web.listen-address as JEMALLOC_EXPORTER_WEB_LISTEN_ADDRESS.");
  app.require_subcommand(0, 1);
  AddServeOptions(app, line.serve);
  AddAgentTimeout(app, line);
  AddLogOptions(app, line);
  AddServe(app, line);
  AddExec(app, line);
  AddShow(app, line);
  AddDiff(app, line);
  NameEnvironment(app);
  for (CLI::App* command : app.get_subcommands({})) NameEnvironment(*command);
  app.set_version_flag("--version", Version());
}

}  // namespace jemalloc_exporter
