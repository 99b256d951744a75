#ifndef JEMALLOC_EXPORTER_EXPORTER_EXPOSITION_DISTRIBUTION_H_
#define JEMALLOC_EXPORTER_EXPORTER_EXPOSITION_DISTRIBUTION_H_

#include <prometheus/client_metric.h>

#include <vector>

namespace jemalloc_exporter {

/// The buckets of `histogram` as both formats want them: bounds ascending, each
/// once, the last one +Inf. Empty where their counts fall: such a histogram
/// does not count anything.
std::vector<prometheus::ClientMetric::Bucket> CompleteBuckets(
    const prometheus::ClientMetric::Histogram& histogram);

/// The quantiles of `summary` from 0 to 1, ascending, each once.
std::vector<prometheus::ClientMetric::Quantile> OrderedQuantiles(
    const prometheus::ClientMetric::Summary& summary);

}  // namespace jemalloc_exporter

#endif  // JEMALLOC_EXPORTER_EXPORTER_EXPOSITION_DISTRIBUTION_H_
