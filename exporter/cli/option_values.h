#ifndef JEMALLOC_EXPORTER_EXPORTER_CLI_OPTION_VALUES_H_
#define JEMALLOC_EXPORTER_EXPORTER_CLI_OPTION_VALUES_H_

#include <sys/types.h>

#include <CLI/App.hpp>
#include <chrono>
#include <functional>
#include <map>
#include <string>

namespace jemalloc_exporter {

/// Declares an option that takes one of a few names.
template <typename T>
CLI::Option* AddChoice(CLI::App& app, const std::string& name, T& value,
                       const std::map<std::string, T>& choices,
                       const std::string& description) {
  std::string names;
  for (const auto& [choice, _] : choices) {
    names += (names.empty() ? "" : "|") + choice;
  }
  const auto choose = [&value, choices, name, names](const std::string& text) {
    const auto choice = choices.find(text);
    if (choice == choices.end()) {
      throw CLI::ValidationError(
          name, "invalid value '" + text + "': expected " + names);
    }
    value = choice->second;
  };
  return app.add_option_function<std::string>(name, choose, description)
      ->type_name(names);
}

/// Declares an option, or an argument, that takes a process id. CLI11 takes
/// what follows an option for its value.
template <typename Pid>
CLI::Option* AddPid(CLI::App& command, const std::string& name, Pid& value,
                    const std::string& description) {
  const auto check = [](const std::string& text) -> std::string {
    pid_t pid = 0;
    if (CLI::detail::lexical_cast(text, pid) && pid > 0) return "";
    return text.starts_with("--")
               ? "expected a process id before " + text
               : "invalid value '" + text + "': expected a process id";
  };
  return command.add_option(name, value, description)
      ->type_name("PID")
      ->check(CLI::Validator(check, ""));
}

/// Declares an option that takes a duration: see `ParseDuration`.
CLI::Option* AddDuration(
    CLI::App& app, const std::string& name, const std::string& description,
    const std::function<void(std::chrono::duration<double>)>& set);

/// Throws CLI::ValidationError for an argument `--option=`: CLI11 would take
/// the next argument as the value. Arguments after `--` are not examined.
void RejectEmptyValues(int argc, const char* const* argv);

/// Throws CLI::ValidationError if an option of `app` or of its subcommands was
/// given an empty value as an argument of its own.
void RejectEmptyValues(const CLI::App& app);

}  // namespace jemalloc_exporter

#endif  // JEMALLOC_EXPORTER_EXPORTER_CLI_OPTION_VALUES_H_
