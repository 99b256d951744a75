#include "exporter/endpoints/pages.h"

#include <chrono>
#include <iterator>
#include <string>

#include "exporter/endpoints/landing_page.h"
#include "exporter/endpoints/metrics_response.h"
#include "exporter/endpoints/scrape_patience.h"
#include "exporter/metrics/family.h"
#include "exporter/metrics/process_families.h"
#include "exporter/metrics/self_families.h"

namespace jemalloc_exporter {

void Pages::CountRequest(int status) {
  const std::lock_guard lock(mutex_);
  ++requests_[status];
}

Response Pages::Metrics(const Request& request) {
  auto families = ProcessFamilies(ReadProcesses(request));
  families.push_back(BuildInfoFamily());
  if (!options_.disable_exporter_metrics) {
    auto self = SelfFamilies();
    std::move(self.begin(), self.end(), std::back_inserter(families));
    families.push_back(RequestFamily());
  }
  return MetricsResponse(request, families);
}

Response Pages::Landing(const Request& request) {
  const std::vector<Process> processes = ReadProcesses(request);
  return {
      .content_type = "text/html; charset=utf-8",
      .body = LandingPage(processes, history_, std::chrono::steady_clock::now(),
                          options_.telemetry_path)};
}

std::vector<Process> Pages::ReadProcesses(const Request& request) {
  std::vector<Process> processes = poller_.Poll(
      PatienceOfScrape(request.scrape_timeout, options_.agent_timeout));
  processes.push_back(ReadThisProcess());
  history_.Record(processes, std::chrono::steady_clock::now());
  return processes;
}

prometheus::MetricFamily Pages::RequestFamily() {
  auto family = MakeFamily(prometheus::MetricType::Counter,
                           "jemalloc_exporter_http_requests_total",
                           "HTTP requests answered, by status code");
  const std::lock_guard lock(mutex_);
  for (const auto& [status, count] : requests_) {
    AddSample(family, static_cast<double>(count),
              {{"code", std::to_string(status)}});
  }
  return family;
}

}  // namespace jemalloc_exporter
