#include "collector/gtest/test_metrics.h"

#include <gtest/gtest.h>
#include <prometheus/text_serializer.h>

#include <string>

#include "tests/support/golden.h"

namespace jemalloc_exporter {
namespace {

std::string Page(const std::vector<HeapReportEntry>& tests) {
  return prometheus::TextSerializer().Serialize(TestMetrics(tests));
}

HeapReportEntry Named(const std::string& name, const std::string& result) {
  HeapReportEntry test;
  test.name = name;
  test.result = result;
  return test;
}

TEST(TestMetrics, AreOneForEachNumberTheDurationAndTheResult) {
  HeapReportEntry leaks = Named("Cache.Leaks", "passed");
  leaks.duration_seconds = 0.0625;
  leaks.heap_growth_bytes = 1 << 20;
  leaks.allocated_bytes = (1 << 20) + 64;
  leaks.freed_bytes = 64;
  HeapReportEntry frees = Named("Few/Caches.Free/7", "failed");
  frees.duration_seconds = 2;
  frees.heap_growth_bytes = -4096;
  frees.allocated_bytes = 0;
  frees.freed_bytes = 4096;
  ExpectGolden(Page({leaks, frees, Named("Slow.Runs", "running")}),
               "tests.txt");
}

TEST(TestMetrics, AreAbsentWithoutNumbers) {
  EXPECT_EQ(Page({Named("A.B", "skipped")}),
            "# HELP jemalloc_test_result 1 with the result of the test's last "
            "run as a label: passed, failed, skipped or running\n"
            "# TYPE jemalloc_test_result gauge\n"
            "jemalloc_test_result{suite=\"A\",test=\"B\",result=\"skipped\"} "
            "1\n");
}

TEST(TestMetrics, AreEmptyWithoutTests) { EXPECT_EQ(Page({}), ""); }

TEST(TestMetrics, LeaveTheDotsOfATestToTheTest) {
  const auto families = TestMetrics({Named("A.b.c", "passed")});
  ASSERT_EQ(families.size(), 1U);
  EXPECT_EQ(families[0].metric[0].label[0].value, "A");
  EXPECT_EQ(families[0].metric[0].label[1].value, "b.c");
}

}  // namespace
}  // namespace jemalloc_exporter
