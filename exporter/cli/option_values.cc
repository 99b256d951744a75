#include "exporter/cli/option_values.h"

#include <algorithm>
#include <string_view>

#include "exporter/cli/duration.h"

namespace jemalloc_exporter {
namespace {

constexpr const char* kEmptyValue = "the value is empty";

void RejectEmptyValuesOf(const CLI::App& app) {
  for (const CLI::Option* option : app.get_options()) {
    const auto& values = option->results();
    if (option->nonpositional() &&
        std::find(values.begin(), values.end(), "") != values.end()) {
      throw CLI::ValidationError(option->get_name(), kEmptyValue);
    }
  }
}

}  // namespace

CLI::Option* AddDuration(
    CLI::App& app, const std::string& name, const std::string& description,
    const std::function<void(std::chrono::duration<double>)>& set) {
  const auto read = [name, set](const std::string& text) {
    const auto duration = ParseDuration(text);
    if (!duration) {
      throw CLI::ValidationError(
          name, "invalid value '" + text +
                    "': expected a duration of at most 24h, such as 1s, 500ms "
                    "or a number of seconds");
    }
    set(*duration);
  };
  return app.add_option_function<std::string>(name, read, description)
      ->type_name("DURATION");
}

void RejectEmptyValues(int argc, const char* const* argv) {
  for (int i = 1; i < argc; ++i) {
    const std::string_view argument = argv[i];
    if (argument == "--") return;
    if (argument.starts_with("--") &&
        argument.find('=') == argument.size() - 1) {
      throw CLI::ValidationError(
          std::string(argument.substr(0, argument.size() - 1)), kEmptyValue);
    }
  }
}

void RejectEmptyValues(const CLI::App& app) {
  RejectEmptyValuesOf(app);
  for (const CLI::App* command : app.get_subcommands({})) {
    RejectEmptyValuesOf(*command);
  }
}

}  // namespace jemalloc_exporter
