#include "exporter/metrics/exporter_metrics.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <prometheus/text_serializer.h>
#include <unistd.h>

#include <regex>
#include <string>
#include <vector>

#include "tests/support/golden.h"

namespace jemalloc_exporter {
namespace {

// An exposition with all values and label values masked.
std::string Masked(const std::vector<prometheus::MetricFamily>& families) {
  return std::regex_replace(
      std::regex_replace(prometheus::TextSerializer().Serialize(families),
                         std::regex("=\"[^\"]*\""), "=\"…\""),
      std::regex("\n([^#].*) [0-9.e+]+(?=\n)"), "\n$1 0");
}

double ValueOf(const std::string& name) {
  for (const auto& family : ExporterMetrics()) {
    if (family.name == name) return family.metric.front().gauge.value;
  }
  ADD_FAILURE() << name << " is missing";
  return 0;
}

TEST(ExporterMetrics, AreTheStandardProcessMetrics) {
  ExpectGolden(Masked(ExporterMetrics()), "exporter_metrics.txt");
}

TEST(BuildInfoMetric, HasVersionsAsLabels) {
  EXPECT_EQ(Masked({BuildInfoMetric()}),
            "# HELP jemalloc_exporter_build_info Version of the exporter, and "
            "of the jemalloc that it uses; always 1\n"
            "# TYPE jemalloc_exporter_build_info gauge\n"
            "jemalloc_exporter_build_info{version=\"…\",revision=\"…\","
            "compiler=\"…\",jemalloc_version=\"…\"} 0\n");
}

TEST(ExporterMetrics, CountsOneMoreDescriptorWhenOneIsOpened) {
  const double before = ValueOf("process_open_fds");
  const int fd = open("/dev/null", O_RDONLY);
  EXPECT_EQ(ValueOf("process_open_fds"), before + 1);
  close(fd);
  EXPECT_EQ(ValueOf("process_open_fds"), before);
}

TEST(ExporterMetrics, HasBytesAndSecondsOfAPlausibleSize) {
  EXPECT_GT(ValueOf("process_resident_memory_bytes"), 1e6);
  EXPECT_LT(ValueOf("process_resident_memory_bytes"),
            ValueOf("process_virtual_memory_bytes"));
  EXPECT_NEAR(ValueOf("process_start_time_seconds"),
              static_cast<double>(time(nullptr)), 60);
}

}  // namespace
}  // namespace jemalloc_exporter
