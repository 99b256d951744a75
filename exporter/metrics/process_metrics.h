#ifndef JEMALLOC_EXPORTER_EXPORTER_METRICS_PROCESS_METRICS_H_
#define JEMALLOC_EXPORTER_EXPORTER_METRICS_PROCESS_METRICS_H_

#include <prometheus/metric_family.h>

#include <vector>

#include "exporter/metrics/collector_set.h"
#include "exporter/process/process.h"

namespace jemalloc_exporter {

/// Returns the series of processes, with the labels `comm` and `pid`: heap
/// metrics, of processes with several heaps also with `prefix`; `jemalloc_up`,
/// resident memory and start time; and the number of processes by state. A
/// process with an unused jemalloc is only counted. Absent values have no
/// series, and neither do collectors that are not in `collectors`. Details are
/// those that the processes have. Thread-safe; throws std::bad_alloc only.
std::vector<prometheus::MetricFamily> ProcessMetrics(
    const std::vector<Process>& processes, const CollectorSet& collectors = {});

}  // namespace jemalloc_exporter

#endif  // JEMALLOC_EXPORTER_EXPORTER_METRICS_PROCESS_METRICS_H_
