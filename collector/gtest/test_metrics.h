#ifndef JEMALLOC_EXPORTER_COLLECTOR_GTEST_TEST_METRICS_H_
#define JEMALLOC_EXPORTER_COLLECTOR_GTEST_TEST_METRICS_H_

#include <prometheus/metric_family.h>

#include <vector>

#include "jemalloc_exporter/heap_report.h"

namespace jemalloc_exporter {

/// The tests as gauges with the labels `suite` and `test`: a family for each of
/// `kHeapReportFields`, one for the duration and one for the result. No
/// family is empty.
std::vector<prometheus::MetricFamily> TestMetrics(
    const std::vector<HeapReportEntry>& tests);

}  // namespace jemalloc_exporter

#endif  // JEMALLOC_EXPORTER_COLLECTOR_GTEST_TEST_METRICS_H_
