#ifndef JEMALLOC_EXPORTER_EXPORTER_EXPOSITION_SAMPLES_H_
#define JEMALLOC_EXPORTER_EXPORTER_EXPOSITION_SAMPLES_H_

#include <string>

#include "exporter/exposition/families.h"
#include "exporter/exposition/format.h"

namespace jemalloc_exporter {

/// Appends the samples of `metric`, which belongs to `family`. Appends nothing
/// if its value has no legal representation in `format`.
void AppendSamples(std::string& out, Format format, const MergedFamily& family,
                   const MergedMetric& metric);

}  // namespace jemalloc_exporter

#endif  // JEMALLOC_EXPORTER_EXPORTER_EXPOSITION_SAMPLES_H_
