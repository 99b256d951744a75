#include "exporter/cli/command_line.h"

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <algorithm>
#include <cstddef>
#include <cstdlib>
#include <string>
#include <vector>

#include "exporter/build_info.h"
#include "exporter/cli/exec_options.h"
#include "exporter/cli/option_environment.h"
#include "exporter/cli/option_values.h"
#include "exporter/cli/profile_options.h"
#include "exporter/cli/serve_options.h"
#include "exporter/cli/show_options.h"

namespace jemalloc_exporter {
namespace {

constexpr const char* kLogFormatOption = "--log.format";

void AddLogOptions(CLI::App& app, CommandLine& line) {
  AddChoice<LogLevel>(
      app, "--log.level", line.log_level,
      {{"debug", LogLevel::kDebug},
       {"info", LogLevel::kInfo},
       {"warn", LogLevel::kWarn},
       {"error", LogLevel::kError}},
      "Minimum severity of log messages (info; with exec, warn)");
  AddChoice<LogFormat>(
      app, kLogFormatOption, line.log_format,
      {{"logfmt", LogFormat::kLogfmt}, {"json", LogFormat::kJson}},
      "Format of log messages (logfmt)");
}

void AddServe(CLI::App& app, CommandLine& line) {
  CLI::App* serve = app.add_subcommand(
      "serve", "Serve the metrics over HTTP (the default command)");
  // Its options are those of the program, so that they work without it.
  serve->fallthrough()->set_help_flag();
  serve->footer("Takes the options that jemalloc_exporter --help lists.");
  line.run = [&line] { return RunServe(line.serve); };
}

void AddExec(CLI::App& app, CommandLine& line) {
  CLI::App* exec = app.add_subcommand("exec",
                                      "Run a command with the agent preloaded, "
                                      "and serve its processes until it "
                                      "ends");
  exec->fallthrough()->set_help_flag();
  exec->footer("Takes the options that jemalloc_exporter --help lists.");
  AddExecOptions(*exec, line.exec);
  exec->add_option("COMMAND", line.exec.command,
                   "The command and its arguments, after --")
      ->required();
  exec->callback([&app, &line] {
    if (line.serve.systemd_socket) {
      throw CLI::ValidationError(
          "--web.systemd-socket cannot be used with exec: the sockets belong "
          "to the command");
    }
    if (line.serve.all_namespaces) {
      throw CLI::ValidationError(
          "--agent.all-namespaces cannot be used with exec: it serves the "
          "command's processes only");
    }
    // The command has the same stderr.
    if (app.count("--log.level") == 0) line.log_level = LogLevel::kWarn;
    line.run = [&line] {
      ApplyDeprecatedOptions(line.exec);
      return RunExec(line.exec, [&line](const ExecScope& scope) {
        line.serve.process_filter.includes = scope.contains;
        line.serve.stop_fd = scope.command_fd;
        line.serve.expects_profiles =
            line.exec.profile_sample_bytes.has_value();
        return RunServe(line.serve);
      });
    };
  });
}

void AddShow(CLI::App& app, CommandLine& line) {
  CLI::App* show = app.add_subcommand(
      "show", "Print the heap state of the processes that have the agent");
  AddShowOptions(*show, line.show, line.serve.agent_timeout);
  show->callback([&line] {
    CheckShowOptions(line.show);
    line.run = [&line] { return RunShow(line.show, line.serve.agent_timeout); };
  });
}

void AddDiff(CLI::App& app, CommandLine& line) {
  CLI::App* diff = app.add_subcommand(
      "diff",
      "Print the changes between two snapshots (show --pid PID --format json) "
      "or between the reports of two runs; exit status 0: equal, 1: different, "
      "2: error");
  diff->add_option("BEFORE", line.diff.before, "The earlier snapshot or report")
      ->required();
  diff->add_option("AFTER", line.diff.after, "The later snapshot or report")
      ->required();
  diff->callback(
      [&line] { line.run = [&line] { return RunDiff(line.diff); }; });
}

void AddProfile(CLI::App& app, CommandLine& line) {
  CLI::App* profile = app.add_subcommand(
      "profile",
      "Print the heap profile of a process that was started with the agent and "
      "with MALLOC_CONF=prof:true: which functions allocated what is in use");
  AddProfileOptions(*profile, line.profile);
  profile->callback([&line] {
    CheckProfileOptions(line.profile);
    line.run = [&line] { return RunProfile(line.profile); };
  });
}

void AddAttach(CLI::App& app, CommandLine& line) {
  CLI::App* attach = app.add_subcommand(
      "attach",
      "Load the agent into a running process, which is then served as if it "
      "had been preloaded. One thread is stopped for a few milliseconds");
  AddPid(*attach, "PID", line.attach.pid, "The process")->required();
  attach
      ->add_option("--agent.path", line.attach.agent_path,
                   "The agent's library (the one of the build folder or of "
                   "the installation)")
      ->type_name("FILE");
  attach->callback(
      [&line] { line.run = [&line] { return RunAttach(line.attach); }; });
}

void AddDetach(CLI::App& app, CommandLine& line) {
  CLI::App* detach = app.add_subcommand(
      "detach", "End the agent's thread in a process, which remains as it is");
  AddPid(*detach, "PID", line.attach.pid, "The process")->required();
  detach->callback(
      [&line] { line.run = [&line] { return RunDetach(line.attach.pid); }; });
}

// In the format of the Prometheus project's exporters.
std::string Version() {
  return "jemalloc_exporter, version " + std::string(kVersion) +
         " (revision: " + std::string(kRevision) +
         ")\n  compiler: " + std::string(kCompiler);
}

void DeclareCommandLine(CLI::App& app, CommandLine& line) {
  app.name("jemalloc_exporter");
  app.description("Prometheus exporter of jemalloc's heap state.");
  app.footer(
      "Every option can also be given in the environment: "
      "--web.listen-address as JEMALLOC_EXPORTER_WEB_LISTEN_ADDRESS.");
  app.require_subcommand(0, 1);
  AddWebOptions(app, line.serve);
  AddCollectorOptions(app, line.serve);
  AddAgentTimeout(app, line.serve.agent_timeout);
  AddAllNamespaces(app, line.serve.all_namespaces);
  AddLogOptions(app, line);
  AddServe(app, line);
  AddExec(app, line);
  AddShow(app, line);
  AddDiff(app, line);
  AddProfile(app, line);
  AddAttach(app, line);
  AddDetach(app, line);
  NameEnvironment(app);
  for (CLI::App* command : app.get_subcommands({})) NameEnvironment(*command);
  app.set_version_flag("--version", Version());
}

// For a command line that cannot be parsed as a whole.
LogFormat FindLogFormat(const std::vector<std::string>& arguments) {
  const std::string option = kLogFormatOption;
  const char* const variable =
      std::getenv(EnvironmentName(option.substr(2)).c_str());
  std::string format = variable == nullptr ? "" : variable;
  for (std::size_t i = 0; i < arguments.size() && arguments[i] != "--"; ++i) {
    if (arguments[i].starts_with(option + "=")) {
      format = arguments[i].substr(option.size() + 1);
    } else if (arguments[i] == option && i + 1 < arguments.size()) {
      format = arguments[i + 1];
    }
  }
  return format == "json" ? LogFormat::kJson : LogFormat::kLogfmt;
}

// Options of the command are taken for ours without the separator.
std::string HintOfSeparator(const std::vector<std::string>& arguments,
                            const CommandLine& line) {
  const auto has = [&](const char* argument) {
    return std::find(arguments.begin(), arguments.end(), argument) !=
           arguments.end();
  };
  if (!has("exec") || has("--") || line.exec.command.empty()) return "";
  return "; write -- before the command: jemalloc_exporter exec -- " +
         line.exec.command.front();
}

}  // namespace

std::optional<int> ParseCommandLine(int argc, const char* const* argv,
                                    CommandLine& line) {
  constexpr int kBadCommandLine = 2;
  const std::vector<std::string> arguments(argv + 1, argv + argc);
  CLI::App app;
  DeclareCommandLine(app, line);
  ConfigureLog(line.log_level, FindLogFormat(arguments));
  try {
    RejectEmptyValues(argc, argv);
    const auto joined = JoinProfileValue(arguments);
    app.parse(std::vector<std::string>(joined.rbegin(), joined.rend()));
    RejectEmptyValues(app);
  } catch (const CLI::Success& help_or_version) {
    return app.exit(help_or_version);
  } catch (const CLI::ExtrasError& error) {
    PrintError(error.what() + HintOfSeparator(arguments, line));
    return kBadCommandLine;
  } catch (const CLI::ParseError& error) {
    PrintError(error.what());
    return kBadCommandLine;
  }
  ConfigureLog(line.log_level, line.log_format);
  return std::nullopt;
}

}  // namespace jemalloc_exporter
