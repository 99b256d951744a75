#ifndef JEMALLOC_EXPORTER_EXPORTER_EXPOSITION_SAMPLES_H_
#define JEMALLOC_EXPORTER_EXPORTER_EXPOSITION_SAMPLES_H_

#include <string>

#include "exporter/exposition/families.h"
#include "exporter/exposition/format.h"

namespace jemalloc_exporter {

/// Appends the samples of `metric`, one of the metrics of `family`; none where
/// the format has no legal way to tell its value.
void AppendSamples(std::string& page, Format format, const MergedFamily& family,
                   const MergedMetric& metric);

}  // namespace jemalloc_exporter

#endif  // JEMALLOC_EXPORTER_EXPORTER_EXPOSITION_SAMPLES_H_
