#ifndef JEMALLOC_EXPORTER_EXPOSITION_H_
#define JEMALLOC_EXPORTER_EXPOSITION_H_

#include <prometheus/metric_family.h>
#include <prometheus/serializer.h>

#include <iosfwd>
#include <string>
#include <vector>

namespace jemalloc_exporter {

/// Serializes metrics as OpenMetrics 1.0, content type
/// `application/openmetrics-text; version=1.0.0; charset=utf-8`.
///
/// The output is legal for any input and depends on no locale and no stream
/// flags. Parts without a legal representation are dropped, never the whole
/// exposition. In both formats:
/// - Families of equal name are merged at the position of the first, with the
///   first type and the first non-empty HELP. A later family of another type is
///   dropped.
/// - A family is dropped if it has no samples, if its name or a name of its
///   samples is illegal or starts with `__`, or if a histogram or summary
///   reserves its name for a sample (`h_count` beside a histogram `h`; also
///   `_sum`, `_bucket` and `_created`).
/// - Labels are sorted by name. Labels with an empty value are dropped. So is a
///   label whose name is illegal, starts with `__`, repeats an earlier one, or
///   is `le` on a histogram or `quantile` on a summary. Of samples with equal
///   labels the first is kept.
/// - Bytes that are not UTF-8 become U+FFFD.
/// - The buckets of a histogram ascend and end with `+Inf`, which is also its
///   count. A histogram with decreasing counts is dropped. Quantiles ascend;
///   those outside [0, 1] are dropped.
/// - Numbers are the shortest that parse back exactly. Timestamp 0 means none.
///
/// In OpenMetrics only:
/// - The metadata of a counter `x_total` names it `x`. It keeps its name and
/// has
///   type `unknown` if another family claims `x` or `x_created`, or if its name
///   does not end in `_total`.
/// - UNIT is written if that name ends in a base unit: `_bytes`, `_seconds`.
/// - Dropped are negative and NaN counters, such a sum together with its count,
///   the sum of a histogram with negative bounds, and negative quantile values.
/// - `_created` and exemplars are not written: the data model lacks them.
///
/// Source: OpenMetrics 1.0.0, sections 3 to 5. Thread-safe. Throws only
/// `std::bad_alloc`.
class OpenMetricsSerializer final : public prometheus::Serializer {
 public:
  std::string Serialize(
      const std::vector<prometheus::MetricFamily>& families) const override;
  /// Writes the same bytes in one call. Errors are reported by the state of
  /// `out`.
  void Serialize(
      std::ostream& out,
      const std::vector<prometheus::MetricFamily>& families) const override;
};

/// Serializes metrics in Prometheus text format 0.0.4, content type
/// `text/plain; version=0.0.4; charset=utf-8`, by the rules of
/// `OpenMetricsSerializer`. Without families the output is empty.
///
/// Unlike `prometheus::TextSerializer` it escapes HELP, merges families and
/// keeps all digits.
class PrometheusTextSerializer final : public prometheus::Serializer {
 public:
  std::string Serialize(
      const std::vector<prometheus::MetricFamily>& families) const override;
  /// Writes the same bytes in one call. Errors are reported by the state of
  /// `out`.
  void Serialize(
      std::ostream& out,
      const std::vector<prometheus::MetricFamily>& families) const override;
};

}  // namespace jemalloc_exporter

#endif  // JEMALLOC_EXPORTER_EXPOSITION_H_
