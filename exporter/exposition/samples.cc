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

// Writes the sample lines of one metric.
class SampleWriter {
 public:
  SampleWriter(std::string& out, Format format, const MergedFamily& family,
               const MergedMetric& metric)
      : out_(out), format_(format), name_(family.name), metric_(metric) {}

  // Whether `value` is legal as a counter or a sum.
  bool IsLegalTotal(double value) const {
    return AllowsAnyValue() || value >= 0;
  }

  // Whether the format accepts negative values and NaN everywhere.
  bool AllowsAnyValue() const { return format_ == Format::kText; }

  // name_suffix{labels} value
  template <typename Number>
  void Append(std::string_view suffix, Number value) {
    out_.append(name_).append(suffix);
    if (!metric_.labels.empty()) {
      out_.append("{").append(metric_.labels).append("}");
    }
    AppendValue(value);
  }

  // name_suffix{labels,bound_label="bound"} value
  template <typename Number>
  void Append(std::string_view suffix, std::string_view bound_label,
              double bound, Number value) {
    out_.append(name_).append(suffix).append("{").append(metric_.labels);
    if (!metric_.labels.empty()) out_ += ',';
    out_.append(bound_label).append("=\"");
    AppendBound(out_, format_, bound);
    out_ += "\"}";
    AppendValue(value);
  }

 private:
  template <typename Number>
  void AppendValue(Number value) {
    out_ += ' ';
    AppendNumber(out_, value);
    if (metric_.values->timestamp_ms != 0) {
      out_ += ' ';
      AppendTimestamp(out_, format_, metric_.values->timestamp_ms);
    }
    out_ += '\n';
  }

  std::string& out_;
  Format format_;
  std::string_view name_;
  const MergedMetric& metric_;
};

void AppendSummary(SampleWriter& writer, const ClientMetric::Summary& summary) {
  for (const auto& [quantile, value] : OrderedQuantiles(summary)) {
    if (value < 0 && !writer.AllowsAnyValue()) continue;
    writer.Append("", "quantile", quantile, value);
  }
  if (!writer.IsLegalTotal(summary.sample_sum)) return;
  writer.Append("_sum", summary.sample_sum);
  writer.Append("_count", summary.sample_count);
}

void AppendHistogram(SampleWriter& writer,
                     const ClientMetric::Histogram& histogram) {
  const auto buckets = CompleteBuckets(histogram);
  if (buckets.empty()) return;
  for (const auto& [count, bound] : buckets) {
    writer.Append("_bucket", "le", bound, count);
  }
  // With negative observations the sum is not monotonic.
  if (buckets.front().upper_bound < 0 && !writer.AllowsAnyValue()) return;
  if (!writer.IsLegalTotal(histogram.sample_sum)) return;
  writer.Append("_sum", histogram.sample_sum);
  writer.Append("_count", buckets.back().cumulative_count);
}

}  // namespace

void AppendSamples(std::string& out, Format format, const MergedFamily& family,
                   const MergedMetric& metric) {
  SampleWriter writer(out, format, family, metric);
  const ClientMetric& values = *metric.values;
  switch (family.type) {
    case MetricType::Counter:
      if (writer.IsLegalTotal(values.counter.value)) {
        writer.Append("", values.counter.value);
      }
      break;
    case MetricType::Gauge:
      writer.Append("", values.gauge.value);
      break;
    case MetricType::Untyped:
      writer.Append("", values.untyped.value);
      break;
    case MetricType::Summary:
      AppendSummary(writer, values.summary);
      break;
    case MetricType::Histogram:
      AppendHistogram(writer, values.histogram);
      break;
  }
}

}  // namespace jemalloc_exporter
