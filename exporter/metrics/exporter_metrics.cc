#include "exporter/metrics/exporter_metrics.h"

#include <dirent.h>
#include <sys/resource.h>
#include <unistd.h>

#include <optional>
#include <string>
#include <utility>

#include "collector/jemalloc/jemalloc_version.h"
#include "exporter/build_info.h"
#include "exporter/metrics/metric_family_builder.h"
#include "exporter/process/proc_stat.h"

namespace jemalloc_exporter {
namespace {

using prometheus::MetricFamily;
using prometheus::MetricType;

// Not std::filesystem: libstdc++'s directory_iterator terminates the process
// when an allocation fails.
std::optional<double> OpenDescriptors() {
  DIR* const listing = opendir("/proc/self/fd");
  if (listing == nullptr) return std::nullopt;
  int count = 0;
  while (readdir(listing) != nullptr) ++count;
  closedir(listing);
  return count - 3;  // `.`, `..` and the descriptor of the listing.
}

// Unlimited is the largest number, as in the Prometheus client libraries.
std::optional<double> SoftLimit(__rlimit_resource resource) {
  rlimit limit{};
  if (getrlimit(resource, &limit) != 0) return std::nullopt;
  return static_cast<double>(limit.rlim_cur);
}

}  // namespace

MetricFamily BuildInfoMetric() {
  MetricFamily family = MakeFamily(
      MetricType::Gauge, "jemalloc_exporter_build_info",
      "Version of the exporter, and of the jemalloc that it uses; always 1");
  AddSample(family, 1,
            {{"version", std::string(kVersion)},
             {"revision", std::string(kRevision)},
             {"compiler", std::string(kCompiler)},
             {"jemalloc_version", JemallocVersion(FindMallctl())}});
  return family;
}

MetricFamily NetworkNamespacesMetric(std::size_t read, std::size_t denied) {
  MetricFamily family = MakeFamily(
      MetricType::Gauge, "jemalloc_exporter_network_namespaces",
      "Network namespaces with a process: read, or denied for lack of a "
      "capability");
  AddSample(family, static_cast<double>(read), {{"state", "read"}});
  AddSample(family, static_cast<double>(denied), {{"state", "denied"}});
  return family;
}

std::vector<MetricFamily> ExporterMetrics() {
  std::vector<MetricFamily> families;
  const auto add = [&](MetricType type, std::string name, std::string help,
                       std::optional<double> value) {
    if (!value) return;
    AddSample(families.emplace_back(
                  MakeFamily(type, std::move(name), std::move(help))),
              *value);
  };
  const auto stat = ReadProcStat(getpid());
  const auto of_stat = [&](auto ProcStat::*value) -> std::optional<double> {
    if (!stat) return std::nullopt;
    return static_cast<double>((*stat).*value);
  };
  // Names and HELP: "Writing client libraries", section "Process metrics".
  add(MetricType::Counter, "process_cpu_seconds_total",
      "Total user and system CPU time spent in seconds",
      of_stat(&ProcStat::cpu_seconds));
  add(MetricType::Gauge, "process_open_fds", "Number of open file descriptors",
      OpenDescriptors());
  add(MetricType::Gauge, "process_max_fds",
      "Maximum number of open file descriptors", SoftLimit(RLIMIT_NOFILE));
  add(MetricType::Gauge, "process_virtual_memory_bytes",
      "Virtual memory size in bytes", of_stat(&ProcStat::virtual_memory_bytes));
  add(MetricType::Gauge, "process_virtual_memory_max_bytes",
      "Maximum amount of virtual memory available in bytes",
      SoftLimit(RLIMIT_AS));
  add(MetricType::Gauge, "process_resident_memory_bytes",
      "Resident memory size in bytes",
      of_stat(&ProcStat::resident_memory_bytes));
  add(MetricType::Gauge, "process_start_time_seconds",
      "Start time of the process since Unix epoch in seconds",
      of_stat(&ProcStat::start_time_seconds));
  return families;
}

}  // namespace jemalloc_exporter
