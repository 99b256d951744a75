// Fuzzes the serializer with arbitrary families. The bytes are fields, each
// ended by `|`, of records that start with their kind. Unknown kinds are
// skipped:
//
//     f|TYPE|NAME|HELP|       a family
//     m|VALUE|TIMESTAMP|      a metric of the family before
//     l|NAME|VALUE|           a label of the metric before
//     d|COUNT|SUM|            count and sum of its histogram and summary
//     b|BOUND|COUNT|          a bucket of its histogram
//     q|QUANTILE|VALUE|       a quantile of its summary

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "exporter/exposition/serializer.h"
#include "tests/fuzz/require.h"
#include "tests/support/exposition_checker.h"
#include "tests/support/metric_families.h"

namespace {

using jemalloc_exporter::Format;
using jemalloc_exporter::Require;
using Families = std::vector<prometheus::MetricFamily>;

class Fields {
 public:
  explicit Fields(std::string_view bytes) : rest_(bytes) {}

  bool AtEnd() const { return rest_.empty(); }

  std::string Text() {
    const std::size_t size = std::min(rest_.find('|'), rest_.size());
    std::string text(rest_.substr(0, size));
    rest_.remove_prefix(std::min(size + 1, rest_.size()));
    return text;
  }
  // 0 if the field is not a number.
  template <typename T>
  T Number() {
    const std::string text = Text();
    T number{};
    std::from_chars(text.data(), text.data() + text.size(), number);
    return number;
  }
  // The last letter: there may be a newline before it.
  char Letter() {
    const std::string text = Text();
    return text.empty() ? ' ' : text.back();
  }

 private:
  std::string_view rest_;
};

prometheus::MetricType TypeOf(char letter) {
  switch (letter) {
    case 'c':
      return prometheus::MetricType::Counter;
    case 'g':
      return prometheus::MetricType::Gauge;
    case 'h':
      return prometheus::MetricType::Histogram;
    case 's':
      return prometheus::MetricType::Summary;
    default:
      return prometheus::MetricType::Untyped;
  }
}

// Each record is read where there is one that it can belong to.
void AddRecord(Families& families, char kind, Fields& fields) {
  if (kind == 'f') {
    auto& family = families.emplace_back();
    family.type = TypeOf(fields.Letter());
    family.name = fields.Text();
    family.help = fields.Text();
  }
  if (families.empty()) return;
  auto& metrics = families.back().metric;
  if (kind == 'm') {
    metrics.push_back(jemalloc_exporter::Value(fields.Number<double>()));
    metrics.back().timestamp_ms = fields.Number<std::int64_t>();
  }
  if (metrics.empty()) return;
  auto& metric = metrics.back();
  if (kind == 'l') {
    auto& label = metric.label.emplace_back();
    label.name = fields.Text();
    label.value = fields.Text();
  } else if (kind == 'd') {
    metric.histogram.sample_count = fields.Number<std::uint64_t>();
    metric.histogram.sample_sum = fields.Number<double>();
    metric.summary.sample_count = metric.histogram.sample_count;
    metric.summary.sample_sum = metric.histogram.sample_sum;
  } else if (kind == 'b') {
    auto& bucket = metric.histogram.bucket.emplace_back();
    bucket.upper_bound = fields.Number<double>();
    bucket.cumulative_count = fields.Number<std::uint64_t>();
  } else if (kind == 'q') {
    auto& quantile = metric.summary.quantile.emplace_back();
    quantile.quantile = fields.Number<double>();
    quantile.value = fields.Number<double>();
  }
}

Families ReadFamilies(std::string_view bytes) {
  Families families;
  for (Fields fields(bytes); !fields.AtEnd();) {
    AddRecord(families, fields.Letter(), fields);
  }
  return families;
}

// A valid family is written unchanged, whatever the other families are.
void CheckValidFamily(Format format, Families families,
                      const std::string& text) {
  const std::string name = "valid_family_beside_others";
  for (const auto& family : families) {
    if (family.name.starts_with(name)) return;
  }
  families.push_back(jemalloc_exporter::Gauges(
      name, {jemalloc_exporter::Value(1, {{"x", text}})}, text));
  const auto parsed = jemalloc_exporter::ParseExposition(
      format, jemalloc_exporter::SerializeExposition(format, families));
  Require(!parsed.empty());
  const auto& family = parsed.back();
  Require(family.name == name && family.samples.size() == 1);
  Require(family.samples.front().labels.size() == (text.empty() ? 0 : 1));
  if (text.empty() || !jemalloc_exporter::IsUtf8(text)) return;
  Require(family.help == text);
  Require(family.samples.front().labels.front().second == text);
}

}  // namespace

// The parser throws on output that is not canonical, which ends the process.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data,
                                      std::size_t size) {
  const std::string bytes(reinterpret_cast<const char*>(data), size);
  const Families families = ReadFamilies(bytes);
  for (const Format format : {Format::kText, Format::kOpenMetrics}) {
    jemalloc_exporter::ParseExposition(
        format, jemalloc_exporter::SerializeExposition(format, families));
    CheckValidFamily(format, families, bytes);
  }
  return 0;
}
