#ifndef JEMALLOC_EXPORTER_EXPORTER_EXPOSITION_SERIALIZER_H_
#define JEMALLOC_EXPORTER_EXPORTER_EXPOSITION_SERIALIZER_H_

#include <prometheus/metric_family.h>

#include <string>
#include <vector>

#include "exporter/exposition/format.h"

namespace jemalloc_exporter {

/// Returns a complete exposition, by the rules of
/// jemalloc_exporter/exposition.h.
std::string SerializeExposition(
    Format format, const std::vector<prometheus::MetricFamily>& families);

}  // namespace jemalloc_exporter

#endif  // JEMALLOC_EXPORTER_EXPORTER_EXPOSITION_SERIALIZER_H_
