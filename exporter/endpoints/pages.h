#ifndef JEMALLOC_EXPORTER_EXPORTER_ENDPOINTS_PAGES_H_
#define JEMALLOC_EXPORTER_EXPORTER_ENDPOINTS_PAGES_H_

#include <prometheus/metric_family.h>

#include <cstdint>
#include <map>
#include <mutex>
#include <utility>
#include <vector>

#include "exporter/agent_client/agent_poller.h"
#include "exporter/cli/serve.h"
#include "exporter/endpoints/heap_history.h"
#include "exporter/http/server.h"
#include "exporter/process/process.h"

namespace jemalloc_exporter {

/// What the exporter answers, and what it remembers for that. Thread-safe.
class Pages {
 public:
  explicit Pages(ServeOptions options)
      : options_(std::move(options)), poller_(options_.process_filter) {}

  /// A request was answered with `status`.
  void CountRequest(int status);

  /// Asks every process anew.
  Response Metrics(const Request& request);
  Response Landing(const Request& request);

 private:
  std::vector<Process> ReadProcesses(const Request& request);
  prometheus::MetricFamily RequestFamily();

  const ServeOptions options_;
  AgentPoller poller_;
  HeapHistory history_;
  std::mutex mutex_;
  // By status; those that are to be expected are there from the start.
  std::map<int, std::uint64_t> requests_ = {
      {200, 0}, {404, 0}, {405, 0}, {500, 0}, {503, 0}};
};

}  // namespace jemalloc_exporter

#endif  // JEMALLOC_EXPORTER_EXPORTER_ENDPOINTS_PAGES_H_
