#include "exporter/cli/option_environment.h"

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <algorithm>
#include <cctype>

namespace jemalloc_exporter {

std::string EnvironmentName(const std::string& option) {
  std::string name = "JEMALLOC_EXPORTER_" + option;
  std::transform(name.begin(), name.end(), name.begin(), [](unsigned char c) {
    return c == '.' || c == '-' ? '_' : static_cast<char>(std::toupper(c));
  });
  return name;
}

void NameEnvironment(CLI::App& app) {
  for (CLI::Option* option : app.get_options()) {
    if (option->get_lnames().empty() || option == app.get_help_ptr()) continue;
    if (!option->get_envname().empty()) continue;  // Has one of its own.
    option->envname(EnvironmentName(option->get_lnames().front()));
  }
}

}  // namespace jemalloc_exporter
