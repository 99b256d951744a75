#include "jemalloc_exporter/heap_report.h"

#include <gtest/gtest.h>

#include <limits>
#include <string>

#include "jemalloc_exporter/heap_serialization.h"

namespace jemalloc_exporter {
namespace {

HeapReportEntry TestNamed(const std::string& name, std::int64_t growth) {
  HeapReportEntry test;
  test.name = name;
  test.result = "passed";
  test.duration_seconds = 0.25;
  test.heap_growth_bytes = growth;
  test.allocated_bytes = growth + 64;
  test.freed_bytes = 64;
  return test;
}

HeapReport TwoTests() {
  HeapReport report;
  report.run.name = "cache_test";
  report.run.result = "failed";
  report.run.duration_seconds = 1.5;
  report.run.before.narenas = 4;
  report.run.after = HeapState::test_fixture();
  report.entries = {TestNamed("Cache.Evicts", -4096),
                    TestNamed("Cache.Fills", 8192)};
  report.entries[1].before.allocated_bytes = 0;
  report.entries[1].after.allocated_bytes = 8192;
  report.entries_evicted = 3;
  return report;
}

const std::string kTwoTestsJson =
    R"({"run":{"name":"cache_test","result":"failed","duration_seconds":1.5,)"
    R"("heap_state":{"before":{"narenas":4},"after":)" +
    ToJson(HeapState::test_fixture()) +
    "}},\n"
    R"("entries_evicted":3,)"
    "\n"
    R"("entries":[)"
    "\n"
    R"({"name":"Cache.Evicts","result":"passed","duration_seconds":0.25,)"
    R"("heap_growth_bytes":-4096,"allocated_bytes":-4032,"freed_bytes":64},)"
    "\n"
    R"({"name":"Cache.Fills","result":"passed","duration_seconds":0.25,)"
    R"("heap_growth_bytes":8192,"allocated_bytes":8256,"freed_bytes":64,)"
    R"("heap_state":{"before":{"allocated_bytes":0},)"
    R"("after":{"allocated_bytes":8192}}})"
    "\n]}\n";

std::string ErrorOf(std::string_view json) {
  std::string error;
  EXPECT_FALSE(ParseHeapReport(json, &error).has_value()) << json;
  return error;
}

TEST(HeapReportJson, HasTheRunAndALineForEachTest) {
  EXPECT_EQ(ToJson(TwoTests()), kTwoTestsJson);
}

TEST(HeapReportJson, OmitsAbsentValues) {
  HeapReport report;
  report.run.name = "cache_test";
  report.run.result = "running";
  EXPECT_EQ(ToJson(report),
            "{\"run\":{\"name\":\"cache_test\",\"result\":\"running\"},\n"
            "\"entries_evicted\":0,\n"
            "\"entries\":[\n"
            "]}\n");
}

TEST(HeapReportJson, ReplacesBytesThatAreNotUtf8) {
  HeapReport report;
  report.run.name = "a\xff\"b";
  EXPECT_EQ(ParseHeapReport(ToJson(report))->run.name, "a\ufffd\"b");
}

TEST(HeapReportJson, IsReadBack) {
  const auto report = ParseHeapReport(kTwoTestsJson);
  ASSERT_TRUE(report.has_value());
  EXPECT_EQ(ToJson(*report), kTwoTestsJson);
}

TEST(HeapReportJson, HoldsNumbersOf64Bits) {
  HeapReport report;
  report.entries = {TestNamed("A.B", std::numeric_limits<std::int64_t>::min())};
  report.entries[0].after.allocated_bytes =
      std::numeric_limits<std::uint64_t>::max();
  const auto read = ParseHeapReport(ToJson(report));
  ASSERT_TRUE(read.has_value());
  EXPECT_EQ(read->entries[0].heap_growth_bytes,
            std::numeric_limits<std::int64_t>::min());
  EXPECT_EQ(read->entries[0].after.allocated_bytes,
            std::numeric_limits<std::uint64_t>::max());
}

TEST(HeapReportJson, IsReadWithUnknownKeysAndWithoutKnownOnes) {
  const auto report = ParseHeapReport(
      R"({"new":1,"run":{"new":[]},"entries":[{"heap_state":{"new":7}},{}]})");
  ASSERT_TRUE(report.has_value());
  EXPECT_EQ(report->run.name, "");
  EXPECT_EQ(report->entries.size(), 2U);
}

TEST(HeapReportJson, IsRejectedWithThePathOfTheError) {
  EXPECT_EQ(ErrorOf("[]"), "expected an object, found array");
  EXPECT_EQ(ErrorOf("{}"), "run: missing: not a report");
  EXPECT_EQ(ErrorOf(R"({"run":[]})"), "run: expected an object, found array");
  EXPECT_EQ(ErrorOf(R"({"run":{"name":1}})"),
            "run.name: expected a string, found 1");
  EXPECT_EQ(ErrorOf(R"({"run":{"duration_seconds":"1"}})"),
            "run.duration_seconds: expected a number, found string");
  EXPECT_EQ(ErrorOf(R"({"run":{},"entries_evicted":-1})"),
            "entries_evicted: expected an integer of at least 0, found -1");
  EXPECT_EQ(ErrorOf(R"({"run":{},"entries":{}})"),
            "entries: expected an array, found object");
  EXPECT_EQ(ErrorOf(R"({"run":{},"entries":[{},null]})"),
            "entries[1]: expected an object, found null");
  EXPECT_EQ(
      ErrorOf(R"({"run":{},"entries":[{"freed_bytes":1.5}]})"),
      "entries[0].freed_bytes: expected an integer of 64 bits, found 1.5");
  EXPECT_EQ(
      ErrorOf(R"({"run":{},"entries":[{"freed_bytes":9223372036854775808}]})"),
      "entries[0].freed_bytes: expected an integer of 64 bits, "
      "found 9223372036854775808");
  EXPECT_EQ(ErrorOf(R"({"run":{"heap_state":1}})"),
            "run.heap_state: expected an object, found 1");
  EXPECT_EQ(ErrorOf(R"({"run":{"heap_state":{"after":1}}})"),
            "run.heap_state.after: expected an object, found 1");
  EXPECT_EQ(
      ErrorOf(R"({"run":{"heap_state":{"before":{"narenas":-1}}}})"),
      "run.heap_state.before.narenas: expected an integer from 0 to 2^64 - 1, "
      "found -1");
}

TEST(HeapReportJson, HasTheSyntaxErrorsOfSnapshots) {
  const std::string cut = kTwoTestsJson.substr(0, 100);
  std::string error;
  FromJson(cut, &error);
  EXPECT_NE(error, "");
  EXPECT_EQ(ErrorOf(cut), error);
}

TEST(HeapReportJson, IsDistinguishedFromASnapshot) {
  EXPECT_TRUE(IsHeapReport(kTwoTestsJson));
  EXPECT_TRUE(IsHeapReport(R"({"run":null})"));
  EXPECT_FALSE(IsHeapReport(ToJson(HeapState::test_fixture())));
  EXPECT_FALSE(IsHeapReport("[\"run\"]"));
  EXPECT_FALSE(IsHeapReport("{\"run\""));
}

TEST(HeapReportFields, HaveHelpThatEndsWithTheMallctlName) {
  std::string help;
  for (const HeapReportField& field : kHeapReportFields) {
    help.append(field.help.substr(field.help.rfind(" (")));
  }
  EXPECT_EQ(help,
            " (stats.allocated) (thread.allocatedp) (thread.deallocatedp) "
            "(stats.arenas.4096.small.nrequests) "
            "(stats.arenas.4096.large.nrequests)");
}

}  // namespace
}  // namespace jemalloc_exporter
