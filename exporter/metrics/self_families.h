#ifndef JEMALLOC_EXPORTER_EXPORTER_METRICS_SELF_FAMILIES_H_
#define JEMALLOC_EXPORTER_EXPORTER_METRICS_SELF_FAMILIES_H_

#include <prometheus/metric_family.h>

#include <vector>

namespace jemalloc_exporter {

/// What the exporter was built from.
prometheus::MetricFamily BuildInfoFamily();

/// The standard `process_*` metrics of the exporter itself, as the Prometheus
/// client libraries name them. What /proc does not say is left out.
std::vector<prometheus::MetricFamily> SelfFamilies();

}  // namespace jemalloc_exporter

#endif  // JEMALLOC_EXPORTER_EXPORTER_METRICS_SELF_FAMILIES_H_
