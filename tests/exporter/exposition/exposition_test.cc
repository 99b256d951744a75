#include "jemalloc_exporter/exposition.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <clocale>
#include <iomanip>
#include <locale>
#include <memory>
#include <regex>
#include <sstream>
#include <string>

#include "jemalloc_exporter/heap_collectable.h"
#include "tests/support/fake_jemalloc.h"
#include "tests/support/golden.h"
#include "tests/support/sample_families.h"

namespace jemalloc_exporter {
namespace {

using testing::HasSubstr;

std::string OpenMetrics(const std::vector<prometheus::MetricFamily>& families) {
  return OpenMetricsSerializer().Serialize(families);
}

std::string Text(const std::vector<prometheus::MetricFamily>& families) {
  return PrometheusTextSerializer().Serialize(families);
}

TEST(Exposition, OfEveryMetricTypeMatchesGoldenFile) {
  ExpectGolden(OpenMetrics(SampleFamilies()), "sample_families.openmetrics");
  ExpectGolden(Text(SampleFamilies()), "sample_families.txt");
}

TEST(Exposition, OfTheHeapMatchesGoldenFile) {
  const FakeJemalloc fake;
  const auto families = HeapCollectable({}, FakeMallctl).Collect();
  // Without the time that a refresh took.
  const std::regex time("(\njemalloc_refresh_seconds) .*");
  ExpectGolden(std::regex_replace(OpenMetrics(families), time, "$1 TIME"),
               "heap_openmetrics.txt");
  // Its labels are sorted.
  const std::regex options("\njemalloc_options_info.*");
  const std::string text = std::regex_replace(Text(families), time, "$1 TIME");
  EXPECT_EQ(std::regex_replace(text, options, ""),
            std::regex_replace(ReadGolden("heap.txt"), options, ""));
  EXPECT_THAT(
      text,
      HasSubstr(
          "\njemalloc_options_info{cache_oblivious=\"true\",dirty_decay_ms="
          "\"1\",hpa=\"true\",metadata_thp=\"default\",muzzy_decay_ms=\"1\","
          "narenas=\"1\",oversize_threshold=\"1\",percpu_arena=\"default\","
          "prof=\"true\",retain=\"true\",tcache=\"true\",tcache_max=\"1\","
          "thp=\"default\",version=\"5.3.0-0-g54eaed1d\"} 1\n"));
}

TEST(Exposition, ImplementsPrometheusSerializer) {
  const std::unique_ptr<prometheus::Serializer> serializer =
      std::make_unique<OpenMetricsSerializer>();
  EXPECT_EQ(serializer->Serialize({}), "# EOF\n");
}

template <typename Serializer>
class ExpositionTo : public testing::Test {};

using Serializers =
    testing::Types<OpenMetricsSerializer, PrometheusTextSerializer>;
TYPED_TEST_SUITE(ExpositionTo, Serializers);

// An unusual numeric format: 4.194.304,5
class Grouping final : public std::numpunct<char> {
  char do_thousands_sep() const override { return '.'; }
  char do_decimal_point() const override { return ','; }
  std::string do_grouping() const override { return "\3"; }
};

TYPED_TEST(ExpositionTo, AStreamIgnoresStreamFlagsAndLocale) {
  std::ostringstream out;
  out.imbue(std::locale(out.getloc(), new Grouping));
  out << std::hex << std::showbase << std::showpos << std::scientific
      << std::setprecision(2) << std::setfill('*') << std::setw(20'000);
  TypeParam().Serialize(out, SampleFamilies());
  EXPECT_EQ(out.str(), TypeParam().Serialize(SampleFamilies()));
}

TYPED_TEST(ExpositionTo, AStreamThatIsBrokenDoesNotThrow) {
  std::ostringstream out;
  out.setstate(std::ios::badbit);
  TypeParam().Serialize(out, SampleFamilies());
  EXPECT_EQ(out.str(), "");
}

// Sets the global locale for the lifetime of the object.
class ProcessLocale {
 public:
  ProcessLocale()
      : locale_(std::locale::global(std::locale(std::locale(), new Grouping))),
        c_locale_(std::setlocale(LC_ALL, nullptr)) {
    // Also gives C functions a decimal comma, if the locale is installed.
    std::setlocale(LC_ALL, "de_DE.UTF-8");
  }
  ~ProcessLocale() {
    std::setlocale(LC_ALL, c_locale_.c_str());
    std::locale::global(locale_);
  }
  ProcessLocale(const ProcessLocale&) = delete;
  ProcessLocale& operator=(const ProcessLocale&) = delete;

 private:
  std::locale locale_;
  std::string c_locale_;
};

TYPED_TEST(ExpositionTo, AStringDoesNotDependOnTheLocaleOfTheProcess) {
  const std::string page = TypeParam().Serialize(SampleFamilies());
  const ProcessLocale german;
  EXPECT_EQ(TypeParam().Serialize(SampleFamilies()), page);
}

}  // namespace
}  // namespace jemalloc_exporter
