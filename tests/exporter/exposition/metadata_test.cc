#include "exporter/exposition/metadata.h"

#include <gtest/gtest.h>

#include "tests/support/metric_families.h"

namespace jemalloc_exporter {
namespace {

using prometheus::MetricType;

std::string Metadata(Format format, const MergedFamily& family) {
  std::string page;
  AppendMetadata(page, format, family);
  return page;
}

MergedFamily Named(std::string_view name, MetricType type) {
  return {name, name, "", type, {}};
}

TEST(Metadata, IsTypeUnitAndHelpInOpenMetrics) {
  EXPECT_EQ(Metadata(Format::kOpenMetrics,
                     {"a_bytes", "a_bytes", "A \"b\".", MetricType::Gauge, {}}),
            "# TYPE a_bytes gauge\n"
            "# UNIT a_bytes bytes\n"
            "# HELP a_bytes A \\\"b\\\".\n");
}

TEST(Metadata, IsHelpAndTypeInText) {
  EXPECT_EQ(Metadata(Format::kText,
                     {"a_bytes", "a_bytes", "A \"b\".", MetricType::Gauge, {}}),
            "# HELP a_bytes A \"b\".\n"
            "# TYPE a_bytes gauge\n");
}

TEST(Metadata, OmitsEmptyHelp) {
  const MergedFamily family = Named("a", MetricType::Gauge);
  EXPECT_EQ(Metadata(Format::kOpenMetrics, family), "# TYPE a gauge\n");
  EXPECT_EQ(Metadata(Format::kText, family), "# TYPE a gauge\n");
}

TEST(Metadata, NamesCountersPerFormat) {
  const MergedFamily counter = {
      "a_seconds_total", "a_seconds", "A.", MetricType::Counter, {}};
  EXPECT_EQ(Metadata(Format::kOpenMetrics, counter),
            "# TYPE a_seconds counter\n"
            "# UNIT a_seconds seconds\n"
            "# HELP a_seconds A.\n");
  EXPECT_EQ(Metadata(Format::kText, counter),
            "# HELP a_seconds_total A.\n"
            "# TYPE a_seconds_total counter\n");
}

TEST(Metadata, CounterWithoutTotalIsUnknownInOpenMetrics) {
  for (const char* name : {"a", "a_total"}) {
    const MergedFamily counter = Named(name, MetricType::Counter);
    EXPECT_EQ(Metadata(Format::kOpenMetrics, counter),
              std::string("# TYPE ") + name + " unknown\n");
    EXPECT_EQ(Metadata(Format::kText, counter),
              std::string("# TYPE ") + name + " counter\n");
  }
}

TEST(Metadata, NamesAllOtherTypes) {
  for (const auto& [type, open_metrics, text] :
       {std::tuple(MetricType::Gauge, "gauge", "gauge"),
        std::tuple(MetricType::Summary, "summary", "summary"),
        std::tuple(MetricType::Histogram, "histogram", "histogram"),
        std::tuple(MetricType::Untyped, "unknown", "untyped")}) {
    const MergedFamily family = Named("a", type);
    EXPECT_EQ(Metadata(Format::kOpenMetrics, family),
              std::string("# TYPE a ") + open_metrics + "\n");
    EXPECT_EQ(Metadata(Format::kText, family),
              std::string("# TYPE a ") + text + "\n");
  }
}

TEST(Metadata, DerivesUnitFromNameSuffix) {
  for (const std::string name :
       {"a_seconds", "a_bytes", "a_joules", "a_grams", "a_meters", "a_ratio",
        "a_volts", "a_amperes", "a_celsius"}) {
    const std::string unit = " " + name.substr(2);
    EXPECT_EQ(Metadata(Format::kOpenMetrics, Named(name, MetricType::Gauge)),
              "# TYPE " + name + " gauge\n# UNIT " + (name + unit) + "\n");
  }
}

TEST(Metadata, OmitsUnitWithoutUnitSuffix) {
  for (const std::string name :
       {"bytes", "kilobytes", "a_bytes_info", "a_milliseconds", "a_threads"}) {
    EXPECT_EQ(Metadata(Format::kOpenMetrics, Named(name, MetricType::Gauge)),
              "# TYPE " + name + " gauge\n");
  }
}

}  // namespace
}  // namespace jemalloc_exporter
