#ifndef JEMALLOC_EXPORTER_EXPORTER_ENDPOINTS_METRICS_RESPONSE_H_
#define JEMALLOC_EXPORTER_EXPORTER_ENDPOINTS_METRICS_RESPONSE_H_

#include <prometheus/metric_family.h>

#include <vector>

#include "exporter/http/server.h"

namespace jemalloc_exporter {

/// The metrics in the negotiated format. Compressed with gzip if the client
/// accepts it and the body is larger than one packet.
Response MetricsResponse(const Request& request,
                         const std::vector<prometheus::MetricFamily>& families);

}  // namespace jemalloc_exporter

#endif  // JEMALLOC_EXPORTER_EXPORTER_ENDPOINTS_METRICS_RESPONSE_H_
