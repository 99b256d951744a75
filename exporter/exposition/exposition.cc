#include "jemalloc_exporter/exposition.h"

#include <ios>
#include <ostream>

#include "exporter/exposition/serializer.h"

namespace jemalloc_exporter {
namespace {

void Write(std::ostream& out, const std::string& page) {
  out.write(page.data(), static_cast<std::streamsize>(page.size()));
}

}  // namespace

std::string OpenMetricsSerializer::Serialize(
    const std::vector<prometheus::MetricFamily>& families) const {
  return SerializeExposition(Format::kOpenMetrics, families);
}

void OpenMetricsSerializer::Serialize(
    std::ostream& out,
    const std::vector<prometheus::MetricFamily>& families) const {
  Write(out, Serialize(families));
}

std::string PrometheusTextSerializer::Serialize(
    const std::vector<prometheus::MetricFamily>& families) const {
  return SerializeExposition(Format::kText, families);
}

void PrometheusTextSerializer::Serialize(
    std::ostream& out,
    const std::vector<prometheus::MetricFamily>& families) const {
  Write(out, Serialize(families));
}

}  // namespace jemalloc_exporter
