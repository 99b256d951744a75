#include "exporter/exposition/serializer.h"

#include <cstddef>

#include "exporter/exposition/families.h"
#include "exporter/exposition/metadata.h"
#include "exporter/exposition/samples.h"

namespace jemalloc_exporter {
namespace {

// A family of which no sample is left has no metadata either.
void AppendFamily(std::string& out, Format format, const MergedFamily& family) {
  const std::size_t start = out.size();
  AppendMetadata(out, format, family);
  const std::size_t first_sample = out.size();
  for (const MergedMetric& metric : family.metrics) {
    AppendSamples(out, format, family, metric);
  }
  if (out.size() == first_sample) out.resize(start);
}

// Estimates the size, to avoid reallocation; exact for no type.
std::size_t EstimateSize(const std::vector<MergedFamily>& families) {
  constexpr std::size_t kMetadata = 256;
  constexpr std::size_t kValue = 32;
  std::size_t size = 0;
  for (const MergedFamily& family : families) {
    size += kMetadata;
    for (const MergedMetric& metric : family.metrics) {
      size += family.name.size() + metric.labels.size() + kValue;
    }
  }
  return size;
}

}  // namespace

std::string SerializeExposition(
    Format format, const std::vector<prometheus::MetricFamily>& families) {
  const std::vector<MergedFamily> merged = MergeFamilies(families);
  std::string out;
  out.reserve(EstimateSize(merged));
  for (const MergedFamily& family : merged) AppendFamily(out, format, family);
  if (format == Format::kOpenMetrics) out += "# EOF\n";
  return out;
}

}  // namespace jemalloc_exporter
