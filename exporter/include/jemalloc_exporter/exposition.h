#ifndef JEMALLOC_EXPORTER_EXPOSITION_H_
#define JEMALLOC_EXPORTER_EXPOSITION_H_

#include <prometheus/metric_family.h>
#include <prometheus/serializer.h>

#include <iosfwd>
#include <string>
#include <vector>

namespace jemalloc_exporter {

/// Metrics as a page of OpenMetrics 1.0: content type
/// `application/openmetrics-text; version=1.0.0; charset=utf-8`.
///
/// The page is legal whatever the families hold, and the same for everybody:
/// it depends on no locale and no flags of a stream. What cannot be told
/// legally is left out, never the page. In both formats:
/// - Families of one name become one, where the first of them stood, with the
///   first type and the first HELP that is not empty. A later family of
///   another type is left out: its numbers would be told as what they are not.
/// - A family without samples is left out; so is one whose name, or that of its
///   samples, is illegal or starts with `__`; and one whose name is needed by a
///   histogram or summary of the page for its samples (`h_count` beside a
///   histogram `h`; also `_sum`, `_bucket` and `_created`).
/// - Labels are written in order of their names. An empty value is as good as
///   no label. A label is left out when its name is illegal, starts with `__`,
///   repeats an earlier one, or is `le` on a histogram or `quantile` on a
///   summary. Of the samples with equal labels the first is kept.
/// - Bytes that are not UTF-8 become U+FFFD.
/// - A histogram has its buckets ascending and ends with the `+Inf` bucket,
///   which is also its count. One whose counts fall is left out. Quantiles
///   ascend; one outside of 0 to 1 is left out.
/// - Numbers are the shortest that read back exactly. A timestamp of 0 is none.
///
/// In OpenMetrics alone:
/// - A counter `x_total` is called `x` in its metadata. It is `unknown` and
///   keeps its name where another family has a claim to `x` or `x_created`, and
///   where it does not end in `_total`.
/// - The unit is told where that name ends in a base unit: `_bytes`,
/// `_seconds`.
/// - A counter that is negative or NaN is left out; so are such a sum, with its
///   count, the sum of a histogram with negative bounds, and a negative value
///   of a quantile.
/// - `_created` and exemplars are not written: the data model has none.
///
/// Thread-safe. Throws nothing but `std::bad_alloc`.
class OpenMetricsSerializer final : public prometheus::Serializer {
 public:
  std::string Serialize(
      const std::vector<prometheus::MetricFamily>& families) const override;
  /// Writes the same, unformatted, in one piece. Errors are the stream's.
  void Serialize(
      std::ostream& out,
      const std::vector<prometheus::MetricFamily>& families) const override;
};

/// Metrics as a page of Prometheus' text format 0.0.4: content type
/// `text/plain; version=0.0.4; charset=utf-8`. By the same rules as
/// `OpenMetricsSerializer`; without families the page is empty.
///
/// Unlike `prometheus::TextSerializer` it escapes HELP, merges families and
/// keeps every digit.
class PrometheusTextSerializer final : public prometheus::Serializer {
 public:
  std::string Serialize(
      const std::vector<prometheus::MetricFamily>& families) const override;
  /// Writes the same, unformatted, in one piece. Errors are the stream's.
  void Serialize(
      std::ostream& out,
      const std::vector<prometheus::MetricFamily>& families) const override;
};

}  // namespace jemalloc_exporter

#endif  // JEMALLOC_EXPORTER_EXPOSITION_H_
