#ifndef JEMALLOC_EXPORTER_EXPORTER_EXPOSITION_NUMBER_H_
#define JEMALLOC_EXPORTER_EXPORTER_EXPOSITION_NUMBER_H_

#include <cstdint>
#include <string>

#include "exporter/exposition/format.h"

namespace jemalloc_exporter {

/// Appends the shortest number that reads back as `value`; an integer up to
/// 2^53 without a point and an exponent. `+Inf`, `-Inf`, `NaN`.
void AppendNumber(std::string& out, double value);
void AppendNumber(std::string& out, std::uint64_t value);

/// Appends the bound of a bucket, or a quantile, as it stands in a label: in
/// OpenMetrics a canonical number, always a float: `1.0`, `0.001`, `1e+06`.
void AppendBound(std::string& out, Format format, double bound);

/// Appends a time since 1970: OpenMetrics has it in seconds, text in
/// milliseconds.
void AppendTimestamp(std::string& out, Format format,
                     std::int64_t milliseconds);

}  // namespace jemalloc_exporter

#endif  // JEMALLOC_EXPORTER_EXPORTER_EXPOSITION_NUMBER_H_
