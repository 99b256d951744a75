#ifndef JEMALLOC_EXPORTER_EXPORTER_CLI_ALL_NAMESPACES_H_
#define JEMALLOC_EXPORTER_EXPORTER_CLI_ALL_NAMESPACES_H_

#include <memory>

#include "exporter/connector/connector.h"

namespace jemalloc_exporter {

/// Starts the connector of --agent.all-namespaces, and gives up the rights of
/// this process: see `DropPrivileges`. Logs one line if not all network
/// namespaces can be served, and one when the connector ends. Null where it
/// cannot be started. Call before starting threads.
std::unique_ptr<Connector> StartConnectorOfServer();

/// The same for a command, which keeps the rights of its caller.
std::unique_ptr<Connector> StartConnectorOfCommand();

}  // namespace jemalloc_exporter

#endif  // JEMALLOC_EXPORTER_EXPORTER_CLI_ALL_NAMESPACES_H_
