#ifndef JEMALLOC_EXPORTER_EXPORTER_ENDPOINTS_METRICS_RESPONSE_H_
#define JEMALLOC_EXPORTER_EXPORTER_ENDPOINTS_METRICS_RESPONSE_H_

#include <prometheus/metric_family.h>

#include <vector>

#include "exporter/http/server.h"

namespace jemalloc_exporter {

/// The metrics in the format that the request prefers, packed with gzip if it
/// asks for that and the page is worth it.
Response MetricsResponse(const Request& request,
                         const std::vector<prometheus::MetricFamily>& families);

}  // namespace jemalloc_exporter

#endif  // JEMALLOC_EXPORTER_EXPORTER_ENDPOINTS_METRICS_RESPONSE_H_
