#ifndef JEMALLOC_EXPORTER_EXPORTER_ENDPOINTS_COLLECTORS_H_
#define JEMALLOC_EXPORTER_EXPORTER_ENDPOINTS_COLLECTORS_H_

#include <string>
#include <string_view>

#include "exporter/metrics/collector_set.h"

namespace jemalloc_exporter {

/// Applies the parameters `collect[]` and `exclude[]` of a query to the enabled
/// collectors. Names and brackets may be percent-encoded; other parameters are
/// ignored. On an unknown or disabled name, or where both parameters are
/// present, returns no collector and assigns one line to `error`.
CollectorSet SelectCollectors(std::string_view query,
                              const CollectorSet& enabled, std::string* error);

}  // namespace jemalloc_exporter

#endif  // JEMALLOC_EXPORTER_EXPORTER_ENDPOINTS_COLLECTORS_H_
