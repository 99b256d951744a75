#ifndef JEMALLOC_EXPORTER_EXPORTER_ENDPOINTS_ENDPOINTS_H_
#define JEMALLOC_EXPORTER_EXPORTER_ENDPOINTS_ENDPOINTS_H_

#include <prometheus/metric_family.h>

#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "exporter/agent_client/agent_poller.h"
#include "exporter/connector/connector.h"
#include "exporter/endpoints/heap_history.h"
#include "exporter/endpoints/profile_endpoints.h"
#include "exporter/endpoints/scrape_timeout.h"
#include "exporter/endpoints/shared_response.h"
#include "exporter/http/server.h"
#include "exporter/metrics/collector_set.h"
#include "exporter/process/process.h"

namespace jemalloc_exporter {

struct EndpointOptions {
  /// Path of the metrics, below the route prefix.
  std::string telemetry_path = "/metrics";
  /// URL of the landing page for clients; empty if unknown. As in Prometheus,
  /// its path is the route prefix unless `route_prefix` is set.
  std::string external_url;
  std::string route_prefix;
  bool disable_exporter_metrics = false;
  /// Maximum time to wait for the responses of processes.
  Seconds agent_timeout{1};
  /// The processes that are served.
  ProcessFilter process_filter;
  /// Null, or for the agents of all network namespaces.
  Connector* connector = nullptr;
  /// The collectors that are enabled. Details are collected of processes whose
  /// comm `comm_include` accepts; empty: of all.
  CollectorSet collectors;
  std::function<bool(const std::string&)> comm_include;
  /// The agent's library, for the instructions on the landing page.
  std::string agent_path = "libjemalloc_exporter_agent.so";
};

/// The HTTP endpoints of the exporter. Thread-safe.
class Endpoints {
 public:
  explicit Endpoints(EndpointOptions options)
      : options_(std::move(options)),
        poller_(options_.process_filter, options_.connector),
        profiles_({.read_processes =
                       [this] { return poller_.Poll(options_.agent_timeout); },
                   .includes = options_.process_filter.includes,
                   .external_url = options_.external_url}) {}

  /// Adds every endpoint to the server, which must not outlive this object.
  void AddTo(HttpServer& server);

  /// Ends profiles in progress, which may take minutes.
  void EndProfiles() { profiles_.End(); }

  /// Counts a response for `jemalloc_exporter_http_requests_total`.
  void CountResponse(int status);

 private:
  // `/metrics`: reads every process anew. 400 for a query that
  // `SelectCollectors` does not accept.
  Response Metrics(const Request& request);
  // `/`: the landing page; reads every process anew.
  Response Landing(const Request& request);
  std::vector<Process> ReadProcesses(const Request& request,
                                     HeapDetailSets details = {});
  prometheus::MetricFamily RequestFamily();

  const EndpointOptions options_;
  AgentPoller poller_;
  HeapHistory history_;
  SharedResponse metrics_;
  ProfileEndpoints profiles_;
  std::mutex mutex_;
  // By status; expected ones are present from the start.
  std::map<int, std::uint64_t> responses_ = {
      {200, 0}, {404, 0}, {405, 0}, {500, 0}, {503, 0}};
};

}  // namespace jemalloc_exporter

#endif  // JEMALLOC_EXPORTER_EXPORTER_ENDPOINTS_ENDPOINTS_H_
