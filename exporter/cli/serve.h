#ifndef JEMALLOC_EXPORTER_EXPORTER_CLI_SERVE_H_
#define JEMALLOC_EXPORTER_EXPORTER_CLI_SERVE_H_

#include "exporter/cli/serve_options.h"

namespace jemalloc_exporter {

/// Serves until SIGTERM or SIGINT; returns the exit status. Requests in
/// progress then have 5 seconds to finish. SIGHUP reloads the web
/// configuration. Throws std::runtime_error, with one line, when it cannot
/// listen or the web configuration is broken.
///
/// With `all_namespaces` the process gives up its rights first: see
/// `DropPrivileges`.
int RunServe(const ServeOptions& options);

}  // namespace jemalloc_exporter

#endif  // JEMALLOC_EXPORTER_EXPORTER_CLI_SERVE_H_
