#ifndef JEMALLOC_EXPORTER_EXPORTER_CLI_SERVE_OPTIONS_H_
#define JEMALLOC_EXPORTER_EXPORTER_CLI_SERVE_OPTIONS_H_

#include "exporter/cli/serve.h"

namespace CLI {
class App;
}  // namespace CLI

namespace jemalloc_exporter {

/// Declares `--web.*`, whose values are stored in `serve` when `app` parses a
/// command line. Both must outlive that.
void AddWebOptions(CLI::App& app, ServeOptions& serve);

/// The same of `--collector.*`.
void AddCollectorOptions(CLI::App& app, ServeOptions& serve);

/// Declares `--agent.all-namespaces`.
void AddAllNamespaces(CLI::App& app, bool& all_namespaces);

}  // namespace jemalloc_exporter

#endif  // JEMALLOC_EXPORTER_EXPORTER_CLI_SERVE_OPTIONS_H_
