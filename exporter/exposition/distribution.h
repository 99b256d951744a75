#ifndef JEMALLOC_EXPORTER_EXPORTER_EXPOSITION_DISTRIBUTION_H_
#define JEMALLOC_EXPORTER_EXPORTER_EXPOSITION_DISTRIBUTION_H_

#include <prometheus/client_metric.h>

#include <vector>

namespace jemalloc_exporter {

/// Returns the buckets of `histogram` as both formats require them: ascending
/// unique bounds, the last one +Inf. Returns an empty list if the cumulative
/// counts decrease, which makes the histogram invalid.
std::vector<prometheus::ClientMetric::Bucket> CompleteBuckets(
    const prometheus::ClientMetric::Histogram& histogram);

/// Returns the quantiles of `summary` that lie in [0, 1], ascending and unique.
std::vector<prometheus::ClientMetric::Quantile> OrderedQuantiles(
    const prometheus::ClientMetric::Summary& summary);

}  // namespace jemalloc_exporter

#endif  // JEMALLOC_EXPORTER_EXPORTER_EXPOSITION_DISTRIBUTION_H_
