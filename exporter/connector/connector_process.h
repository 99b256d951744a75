#ifndef JEMALLOC_EXPORTER_EXPORTER_CONNECTOR_CONNECTOR_PROCESS_H_
#define JEMALLOC_EXPORTER_EXPORTER_CONNECTOR_CONNECTOR_PROCESS_H_

namespace jemalloc_exporter {

/// The body of the connector: keeps `kConnectorCapabilities`, and answers the
/// packets of `server` until the end of the stream. Its input is /proc, and
/// these packets: no byte of an agent or of a client. It connects to no socket
/// but those with the name of an agent. Single-threaded; never returns.
[[noreturn]] void RunConnectorProcess(int server);

}  // namespace jemalloc_exporter

#endif  // JEMALLOC_EXPORTER_EXPORTER_CONNECTOR_CONNECTOR_PROCESS_H_
