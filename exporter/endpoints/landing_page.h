#ifndef JEMALLOC_EXPORTER_EXPORTER_ENDPOINTS_LANDING_PAGE_H_
#define JEMALLOC_EXPORTER_EXPORTER_ENDPOINTS_LANDING_PAGE_H_

#include <string>
#include <string_view>
#include <vector>

#include "exporter/endpoints/heap_history.h"
#include "exporter/process/process.h"

namespace jemalloc_exporter {

struct LandingPageOptions {
  /// Absolute path, below the route prefix.
  std::string telemetry_path = "/metrics";
  /// The agent's library, for the instructions to start a first program.
  std::string agent_path = "libjemalloc_exporter_agent.so";
  /// `exec`: only the command's process tree is served.
  bool serves_command = false;
};

/// The processes of one reading, the exporter's own apart.
struct LandingPageProcesses {
  std::vector<Process> others;
  Process exporter;
};

/// The page at `/` as UTF-8 HTML: each process with its memory by use and its
/// history. Loads nothing, needs no JavaScript, and all links to endpoints are
/// relative. `query` is the request's query string, not decoded: `sort`,
/// `order` (see `ParseProcessOrder`) and `refresh=off`.
std::string LandingPage(const LandingPageProcesses& processes,
                        const HeapHistory& history, HeapHistory::Time now,
                        const LandingPageOptions& options,
                        std::string_view query);

}  // namespace jemalloc_exporter

#endif  // JEMALLOC_EXPORTER_EXPORTER_ENDPOINTS_LANDING_PAGE_H_
