#ifndef JEMALLOC_EXPORTER_EXPORTER_EXPOSITION_NUMBER_H_
#define JEMALLOC_EXPORTER_EXPORTER_EXPOSITION_NUMBER_H_

#include <cstdint>
#include <string>

#include "exporter/exposition/format.h"

namespace jemalloc_exporter {

/// Appends the shortest decimal that parses back to `value`. Integers up to
/// 2^53 have neither point nor exponent. Also `+Inf`, `-Inf` and `NaN`.
void AppendNumber(std::string& out, double value);
void AppendNumber(std::string& out, std::uint64_t value);

/// Appends the bound of a bucket, or a quantile, as a label value: in
/// OpenMetrics a canonical float such as `1.0`, `0.001` or `1e+06`.
void AppendBound(std::string& out, Format format, double bound);

/// Appends a time since the Unix epoch: in seconds in OpenMetrics, in
/// milliseconds in the text format.
void AppendTimestamp(std::string& out, Format format,
                     std::int64_t milliseconds);

}  // namespace jemalloc_exporter

#endif  // JEMALLOC_EXPORTER_EXPORTER_EXPOSITION_NUMBER_H_
