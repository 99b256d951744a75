#ifndef JEMALLOC_EXPORTER_EXPORTER_CLI_SERVE_OPTIONS_H_
#define JEMALLOC_EXPORTER_EXPORTER_CLI_SERVE_OPTIONS_H_

#include <functional>
#include <string>
#include <vector>

#include "exporter/agent_client/process_filter.h"
#include "exporter/metrics/collector_set.h"
#include "exporter/text/seconds.h"

namespace CLI {
class App;
}  // namespace CLI

namespace jemalloc_exporter {

struct ServeOptions {
  std::vector<std::string> listen_addresses = {":10536"};
  /// Listens on the sockets passed by systemd instead of `listen_addresses`.
  bool systemd_socket = false;
  std::string telemetry_path = "/metrics";
  /// See `EndpointOptions`.
  std::string external_url;
  std::string route_prefix;
  /// Path of the web configuration file; empty: none.
  std::string config_file;
  /// Maximum number of parallel scrapes; 0: no limit.
  int max_requests = 40;
  bool disable_exporter_metrics = false;
  /// Maximum time that a scrape waits for the responses of processes.
  Seconds agent_timeout{1};
  /// See `StartConnectorOfServer`.
  bool all_namespaces = false;
  /// See `EndpointOptions`.
  CollectorSet collectors;
  std::function<bool(const std::string&)> comm_include;
  /// The processes that are served.
  ProcessFilter process_filter;
  /// Warns once if no process sends heap profiles.
  bool expects_profiles = false;
  /// Serving ends also when this descriptor becomes readable; -1: none.
  int stop_fd = -1;

  /// Whether a command's processes are served, and no other.
  bool is_exec() const { return static_cast<bool>(process_filter.includes); }
};

/// Declares `--web.*`, whose values are stored in `serve` when `app` parses a
/// command line. Both must outlive that.
void AddWebOptions(CLI::App& app, ServeOptions& serve);

/// The same of `--collector.*`.
void AddCollectorOptions(CLI::App& app, ServeOptions& serve);

/// Declares `--agent.timeout`.
void AddAgentTimeout(CLI::App& app, Seconds& timeout);

/// Declares `--agent.all-namespaces`.
void AddAllNamespaces(CLI::App& app, bool& all_namespaces);

}  // namespace jemalloc_exporter

#endif  // JEMALLOC_EXPORTER_EXPORTER_CLI_SERVE_OPTIONS_H_
