#ifndef JEMALLOC_EXPORTER_EXPORTER_EXPOSITION_METADATA_H_
#define JEMALLOC_EXPORTER_EXPORTER_EXPOSITION_METADATA_H_

#include <string>

#include "exporter/exposition/families.h"
#include "exporter/exposition/format.h"

namespace jemalloc_exporter {

/// Appends the metadata lines of a family: TYPE, HELP and, in OpenMetrics,
/// UNIT, in the order that each format recommends.
void AppendMetadata(std::string& out, Format format,
                    const MergedFamily& family);

}  // namespace jemalloc_exporter

#endif  // JEMALLOC_EXPORTER_EXPORTER_EXPOSITION_METADATA_H_
