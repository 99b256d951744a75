#ifndef JEMALLOC_EXPORTER_EXPORTER_EXPOSITION_PAGE_H_
#define JEMALLOC_EXPORTER_EXPORTER_EXPOSITION_PAGE_H_

#include <prometheus/metric_family.h>

#include <string>
#include <vector>

#include "exporter/exposition/format.h"

namespace jemalloc_exporter {

/// A whole page of metrics, by the rules of jemalloc_exporter/exposition.h.
std::string WritePage(Format format,
                      const std::vector<prometheus::MetricFamily>& families);

}  // namespace jemalloc_exporter

#endif  // JEMALLOC_EXPORTER_EXPORTER_EXPOSITION_PAGE_H_
