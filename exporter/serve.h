#ifndef JEMALLOC_EXPORTER_EXPORTER_SERVE_H_
#define JEMALLOC_EXPORTER_EXPORTER_SERVE_H_

#include <sys/types.h>

#include <optional>
#include <string>
#include <vector>

#include "scrape_patience.h"

namespace jemalloc_exporter {

struct ServeOptions {
  std::vector<std::string> listen_addresses = {":10536"};
  std::string telemetry_path = "/metrics";
  /// Scrapes at the same time; 0 for any number.
  int max_requests = 40;
  bool disable_exporter_metrics = false;
  /// The longest that a scrape waits for processes to answer.
  Seconds agent_timeout{1};
  /// Serves the processes below this one alone; all where there is none.
  std::optional<pid_t> ancestor;
};

/// Serves until SIGTERM or SIGINT; returns the exit status. Throws when it
/// cannot listen.
int RunServe(const ServeOptions& options);

}  // namespace jemalloc_exporter

#endif  // JEMALLOC_EXPORTER_EXPORTER_SERVE_H_
