#ifndef JEMALLOC_EXPORTER_EXPORTER_CLI_OPTION_ENVIRONMENT_H_
#define JEMALLOC_EXPORTER_EXPORTER_CLI_OPTION_ENVIRONMENT_H_

#include <string>

namespace CLI {
class App;
}  // namespace CLI

namespace jemalloc_exporter {

/// The environment variable of an option: JEMALLOC_EXPORTER_WEB_LISTEN_ADDRESS
/// of `web.listen-address`.
std::string EnvironmentName(const std::string& option);

/// Gives every option of `app` without an environment variable its own.
void NameEnvironment(CLI::App& app);

}  // namespace jemalloc_exporter

#endif  // JEMALLOC_EXPORTER_EXPORTER_CLI_OPTION_ENVIRONMENT_H_
