#include "exporter/endpoints/endpoints.h"

#include <unistd.h>

#include <chrono>
#include <iterator>
#include <string>

#include "exporter/endpoints/collectors.h"
#include "exporter/endpoints/landing_page.h"
#include "exporter/endpoints/metrics_response.h"
#include "exporter/endpoints/request_path.h"
#include "exporter/metrics/exporter_metrics.h"
#include "exporter/metrics/metric_family_builder.h"
#include "exporter/metrics/process_metrics.h"
#include "exporter/process/proc_stat.h"
#include "exporter/text/sanitize_label.h"

namespace jemalloc_exporter {
namespace {

Response PlainText(std::string text) {
  return {.content_type = "text/plain; charset=utf-8", .body = std::move(text)};
}

Response Redirect(const std::string& url) {
  Response response = PlainText("The landing page is at " + url + "\n");
  response.status = 302;
  response.headers = {{"Location", url}};
  return response;
}

HeapDetailSets SetsOfThisProcess(const DetailQuery& query) {
  if (!query.includes) return query.sets;
  const auto stat = ReadProcStat(getpid());
  if (!stat) return {};
  return query.SetsOf(SanitizeLabel(stat->comm, kMaxCommSize));
}

}  // namespace

void Endpoints::AddTo(HttpServer& server) {
  const std::string prefix =
      RoutePrefix(options_.route_prefix, options_.external_url);
  server.AddStaticResponse(prefix + "/-/healthy", PlainText("Healthy\n"));
  server.AddStaticResponse(prefix + "/-/ready", PlainText("Ready\n"));
  server.AddHandler(prefix + "/", [this](const Request& request) {
    return Landing(request);
  });
  server.AddLongHandler(
      prefix + "/debug/pprof/heap",
      [this](const Request& request) { return profiles_.Heap(request); });
  server.AddHandler(
      prefix + "/debug/pprof/targets",
      [this](const Request& request) { return profiles_.Targets(request); });
  if (!prefix.empty()) {
    const Response to_landing_page =
        Redirect(ExternalLandingPage(options_.external_url, prefix));
    server.AddStaticResponse("/", to_landing_page);
    server.AddStaticResponse(prefix, to_landing_page);
  }
  // Last, because it may replace the landing page.
  server.AddHandler(
      prefix + options_.telemetry_path, [this](const Request& request) {
        return metrics_.Get(request, [&] { return Metrics(request); });
      });
}

void Endpoints::CountResponse(int status) {
  const std::lock_guard lock(mutex_);
  ++responses_[status];
}

Response Endpoints::Metrics(const Request& request) {
  std::string error;
  const CollectorSet collectors =
      SelectCollectors(request.query, options_.collectors, &error);
  if (!error.empty()) return ErrorResponse(400, error);
  auto families =
      ProcessMetrics(ReadProcesses(request, collectors.details()), collectors);
  families.push_back(BuildInfoMetric());
  if (!options_.disable_exporter_metrics) {
    auto self = ExporterMetrics();
    std::move(self.begin(), self.end(), std::back_inserter(families));
    families.push_back(RequestFamily());
    if (const auto namespaces = poller_.namespaces()) {
      families.push_back(
          NetworkNamespacesMetric(namespaces->read, namespaces->denied));
    }
  }
  return MetricsResponse(request, families);
}

Response Endpoints::Landing(const Request& request) {
  LandingPageProcesses processes;
  processes.others = ReadProcesses(request);
  processes.exporter = processes.others.back();
  processes.others.pop_back();
  return {.content_type = "text/html; charset=utf-8",
          .body = LandingPage(
              processes, history_, std::chrono::steady_clock::now(),
              {.telemetry_path = options_.telemetry_path,
               .agent_path = options_.agent_path,
               .serves_command = options_.process_filter.includes != nullptr},
              request.query)};
}

// The exporter's own process is the last one.
std::vector<Process> Endpoints::ReadProcesses(const Request& request,
                                              HeapDetailSets details) {
  const DetailQuery query = {details, options_.comm_include};
  std::vector<Process> processes = poller_.Poll(
      EffectiveScrapeTimeout(request.scrape_timeout, options_.agent_timeout),
      query);
  processes.push_back(ReadThisProcess(SetsOfThisProcess(query)));
  history_.Record(processes, std::chrono::steady_clock::now());
  return processes;
}

prometheus::MetricFamily Endpoints::RequestFamily() {
  auto family = MakeFamily(prometheus::MetricType::Counter,
                           "jemalloc_exporter_http_requests_total",
                           "HTTP requests answered, by status code");
  const std::lock_guard lock(mutex_);
  for (const auto& [status, count] : responses_) {
    AddSample(family, static_cast<double>(count),
              {{"code", std::to_string(status)}});
  }
  return family;
}

}  // namespace jemalloc_exporter
