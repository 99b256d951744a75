#include "exporter/exposition/page.h"

#include <cstddef>

#include "exporter/exposition/families.h"
#include "exporter/exposition/metadata.h"
#include "exporter/exposition/samples.h"

namespace jemalloc_exporter {
namespace {

// Metadata without a sample would announce what does not come.
void AppendFamily(std::string& page, Format format,
                  const MergedFamily& family) {
  const std::size_t start = page.size();
  AppendMetadata(page, format, family);
  const std::size_t first_sample = page.size();
  for (const MergedMetric& metric : family.metrics) {
    AppendSamples(page, format, family, metric);
  }
  if (page.size() == first_sample) page.resize(start);
}

// About the size of the page: more for a histogram, less for many a gauge.
std::size_t Guess(const std::vector<MergedFamily>& families) {
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

std::string WritePage(Format format,
                      const std::vector<prometheus::MetricFamily>& families) {
  const std::vector<MergedFamily> merged = MergeFamilies(families);
  std::string page;
  page.reserve(Guess(merged));
  for (const MergedFamily& family : merged) AppendFamily(page, format, family);
  if (format == Format::kOpenMetrics) page += "# EOF\n";
  return page;
}

}  // namespace jemalloc_exporter
