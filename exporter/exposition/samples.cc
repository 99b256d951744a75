#include "exporter/exposition/samples.h"

#include <prometheus/client_metric.h>
#include <prometheus/metric_type.h>

#include <string_view>
#include <vector>

#include "exporter/exposition/distribution.h"
#include "exporter/exposition/number.h"

namespace jemalloc_exporter {
namespace {

using prometheus::ClientMetric;
using prometheus::MetricType;

// Writes the lines of one metric.
class Lines {
 public:
  Lines(std::string& page, Format format, const MergedFamily& family,
        const MergedMetric& metric)
      : page_(page), format_(format), name_(family.name), metric_(metric) {}

  // Whether `value` can be a counter's, or a sum's.
  bool CanCount(double value) const { return Tolerant() || value >= 0; }

  // Whether the format minds neither signs nor NaN.
  bool Tolerant() const { return format_ == Format::kText; }

  // name_suffix{labels} value
  template <typename Number>
  void Append(std::string_view suffix, Number value) {
    page_.append(name_).append(suffix);
    if (!metric_.labels.empty()) {
      page_.append("{").append(metric_.labels).append("}");
    }
    AppendValue(value);
  }

  // name_suffix{labels,bound_label="bound"} value
  template <typename Number>
  void Append(std::string_view suffix, std::string_view bound_label,
              double bound, Number value) {
    page_.append(name_).append(suffix).append("{").append(metric_.labels);
    if (!metric_.labels.empty()) page_ += ',';
    page_.append(bound_label).append("=\"");
    AppendBound(page_, format_, bound);
    page_ += "\"}";
    AppendValue(value);
  }

 private:
  template <typename Number>
  void AppendValue(Number value) {
    page_ += ' ';
    AppendNumber(page_, value);
    if (metric_.values->timestamp_ms != 0) {
      page_ += ' ';
      AppendTimestamp(page_, format_, metric_.values->timestamp_ms);
    }
    page_ += '\n';
  }

  std::string& page_;
  Format format_;
  std::string_view name_;
  const MergedMetric& metric_;
};

void AppendSummary(Lines& lines, const ClientMetric::Summary& summary) {
  for (const auto& [quantile, value] : OrderedQuantiles(summary)) {
    if (value < 0 && !lines.Tolerant()) continue;
    lines.Append("", "quantile", quantile, value);
  }
  if (!lines.CanCount(summary.sample_sum)) return;
  lines.Append("_sum", summary.sample_sum);
  lines.Append("_count", summary.sample_count);
}

void AppendHistogram(Lines& lines, const ClientMetric::Histogram& histogram) {
  const auto buckets = CompleteBuckets(histogram);
  if (buckets.empty()) return;
  for (const auto& [count, bound] : buckets) {
    lines.Append("_bucket", "le", bound, count);
  }
  // With negative observations the sum can fall: it is not one that counts.
  if (buckets.front().upper_bound < 0 && !lines.Tolerant()) return;
  if (!lines.CanCount(histogram.sample_sum)) return;
  lines.Append("_sum", histogram.sample_sum);
  lines.Append("_count", buckets.back().cumulative_count);
}

}  // namespace

void AppendSamples(std::string& page, Format format, const MergedFamily& family,
                   const MergedMetric& metric) {
  Lines lines(page, format, family, metric);
  const ClientMetric& values = *metric.values;
  switch (family.type) {
    case MetricType::Counter:
      if (lines.CanCount(values.counter.value)) {
        lines.Append("", values.counter.value);
      }
      break;
    case MetricType::Gauge:
      lines.Append("", values.gauge.value);
      break;
    case MetricType::Untyped:
      lines.Append("", values.untyped.value);
      break;
    case MetricType::Summary:
      AppendSummary(lines, values.summary);
      break;
    case MetricType::Histogram:
      AppendHistogram(lines, values.histogram);
      break;
  }
}

}  // namespace jemalloc_exporter
