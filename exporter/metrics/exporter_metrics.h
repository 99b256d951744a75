#ifndef JEMALLOC_EXPORTER_EXPORTER_METRICS_EXPORTER_METRICS_H_
#define JEMALLOC_EXPORTER_EXPORTER_METRICS_EXPORTER_METRICS_H_

#include <prometheus/metric_family.h>

#include <cstddef>
#include <vector>

namespace jemalloc_exporter {

/// Returns `jemalloc_exporter_build_info`. Throws std::bad_alloc only.
prometheus::MetricFamily BuildInfoMetric();

/// Returns `jemalloc_exporter_network_namespaces`. Throws std::bad_alloc only.
prometheus::MetricFamily NetworkNamespacesMetric(std::size_t read,
                                                 std::size_t denied);

/// Returns the standard `process_*` metrics of the exporter itself, with the
/// names of the Prometheus client libraries. Values that /proc does not provide
/// are omitted. Thread-safe; throws std::bad_alloc only.
std::vector<prometheus::MetricFamily> ExporterMetrics();

}  // namespace jemalloc_exporter

#endif  // JEMALLOC_EXPORTER_EXPORTER_METRICS_EXPORTER_METRICS_H_
