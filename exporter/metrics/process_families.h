#ifndef JEMALLOC_EXPORTER_EXPORTER_METRICS_PROCESS_FAMILIES_H_
#define JEMALLOC_EXPORTER_EXPORTER_METRICS_PROCESS_FAMILIES_H_

#include <prometheus/metric_family.h>

#include <vector>

#include "exporter/process/process.h"

namespace jemalloc_exporter {

/// The series about processes, with the labels `comm` and `pid`: the gauges of
/// their heaps, whether they answered, what the kernel says of them, and how
/// many there are in each state. An unused jemalloc is counted, and has no
/// other series.
std::vector<prometheus::MetricFamily> ProcessFamilies(
    const std::vector<Process>& processes);

}  // namespace jemalloc_exporter

#endif  // JEMALLOC_EXPORTER_EXPORTER_METRICS_PROCESS_FAMILIES_H_
