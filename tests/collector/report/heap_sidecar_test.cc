#include "jemalloc_exporter/heap_sidecar.h"

#include <gtest/gtest.h>

#include <limits>
#include <string>

#include "jemalloc_exporter/heap_format.h"

namespace jemalloc_exporter {
namespace {

HeapRecord TestNamed(const std::string& name, std::int64_t growth) {
  HeapRecord test;
  test.name = name;
  test.result = "passed";
  test.duration_seconds = 0.25;
  test.heap_growth_bytes = growth;
  test.allocated_bytes = growth + 64;
  test.freed_bytes = 64;
  return test;
}

HeapSidecar TwoTests() {
  HeapSidecar sidecar;
  sidecar.run.name = "cache_test";
  sidecar.run.result = "failed";
  sidecar.run.duration_seconds = 1.5;
  sidecar.run.before.narenas = 4;
  sidecar.run.after = HeapState::test_fixture();
  sidecar.tests = {TestNamed("Cache.Evicts", -4096),
                   TestNamed("Cache.Fills", 8192)};
  sidecar.tests[1].before.allocated_bytes = 0;
  sidecar.tests[1].after.allocated_bytes = 8192;
  sidecar.tests_forgotten = 3;
  return sidecar;
}

constexpr const char* kTwoTestsJson =
    R"({"run":{"name":"cache_test","result":"failed","duration_seconds":1.5,)"
    R"("heap_state":{"before":{"narenas":4},"after":{)"
    R"("allocated_bytes":524288,"active_bytes":1048576,)"
    R"("resident_bytes":2097152,"mapped_bytes":4194304,"narenas":64}}},)"
    "\n"
    R"("tests_forgotten":3,)"
    "\n"
    R"("tests":[)"
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
  EXPECT_FALSE(SidecarFromJson(json, &error).has_value()) << json;
  return error;
}

TEST(SidecarJson, HasTheRunAndALineForEachTest) {
  EXPECT_EQ(ToJson(TwoTests()), kTwoTestsJson);
}

TEST(SidecarJson, LeavesOutWhatIsAbsent) {
  HeapSidecar sidecar;
  sidecar.run.name = "cache_test";
  sidecar.run.result = "running";
  EXPECT_EQ(ToJson(sidecar),
            "{\"run\":{\"name\":\"cache_test\",\"result\":\"running\"},\n"
            "\"tests_forgotten\":0,\n"
            "\"tests\":[\n"
            "]}\n");
}

TEST(SidecarJson, ReplacesBytesThatAreNotUtf8) {
  HeapSidecar sidecar;
  sidecar.run.name = "a\xff\"b";
  EXPECT_EQ(SidecarFromJson(ToJson(sidecar))->run.name, "a\ufffd\"b");
}

TEST(SidecarJson, IsReadBack) {
  const auto sidecar = SidecarFromJson(kTwoTestsJson);
  ASSERT_TRUE(sidecar.has_value());
  EXPECT_EQ(ToJson(*sidecar), kTwoTestsJson);
}

TEST(SidecarJson, HoldsNumbersOf64Bits) {
  HeapSidecar sidecar;
  sidecar.tests = {TestNamed("A.B", std::numeric_limits<std::int64_t>::min())};
  sidecar.tests[0].after.allocated_bytes =
      std::numeric_limits<std::uint64_t>::max();
  const auto read = SidecarFromJson(ToJson(sidecar));
  ASSERT_TRUE(read.has_value());
  EXPECT_EQ(read->tests[0].heap_growth_bytes,
            std::numeric_limits<std::int64_t>::min());
  EXPECT_EQ(read->tests[0].after.allocated_bytes,
            std::numeric_limits<std::uint64_t>::max());
}

TEST(SidecarJson, IsReadWithUnknownKeysAndWithoutKnownOnes) {
  const auto sidecar = SidecarFromJson(
      R"({"new":1,"run":{"new":[]},"tests":[{"heap_state":{"new":7}},{}]})");
  ASSERT_TRUE(sidecar.has_value());
  EXPECT_EQ(sidecar->run.name, "");
  EXPECT_EQ(sidecar->tests.size(), 2U);
}

TEST(SidecarJson, IsRejectedWithThePlaceOfWhatIsWrong) {
  EXPECT_EQ(ErrorOf("[]"), "expected an object, found array");
  EXPECT_EQ(ErrorOf("{}"), "run: missing: not a sidecar");
  EXPECT_EQ(ErrorOf(R"({"run":[]})"), "run: expected an object, found array");
  EXPECT_EQ(ErrorOf(R"({"run":{"name":1}})"),
            "run.name: expected a string, found 1");
  EXPECT_EQ(ErrorOf(R"({"run":{"duration_seconds":"1"}})"),
            "run.duration_seconds: expected a number, found string");
  EXPECT_EQ(ErrorOf(R"({"run":{},"tests_forgotten":-1})"),
            "tests_forgotten: expected an integer of at least 0, found -1");
  EXPECT_EQ(ErrorOf(R"({"run":{},"tests":{}})"),
            "tests: expected an array, found object");
  EXPECT_EQ(ErrorOf(R"({"run":{},"tests":[{},null]})"),
            "tests[1]: expected an object, found null");
  EXPECT_EQ(ErrorOf(R"({"run":{},"tests":[{"freed_bytes":1.5}]})"),
            "tests[0].freed_bytes: expected an integer of 64 bits, found 1.5");
  EXPECT_EQ(
      ErrorOf(R"({"run":{},"tests":[{"freed_bytes":9223372036854775808}]})"),
      "tests[0].freed_bytes: expected an integer of 64 bits, "
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

TEST(SidecarJson, IsRejectedAsTheSnapshotIsForItsSyntax) {
  const std::string cut(kTwoTestsJson, 100);
  std::string error;
  FromJson(cut, &error);
  EXPECT_NE(error, "");
  EXPECT_EQ(ErrorOf(cut), error);
}

TEST(SidecarJson, IsToldFromASnapshot) {
  EXPECT_TRUE(IsSidecar(kTwoTestsJson));
  EXPECT_TRUE(IsSidecar(R"({"run":null})"));
  EXPECT_FALSE(IsSidecar(ToJson(HeapState::test_fixture())));
  EXPECT_FALSE(IsSidecar("[\"run\"]"));
  EXPECT_FALSE(IsSidecar("{\"run\""));
}

TEST(HeapRecordFields, HaveHelpThatEndsWithTheMallctlName) {
  std::string help;
  for (const HeapRecordField& field : kHeapRecordFields) {
    help.append(field.help.substr(field.help.rfind(" (")));
  }
  EXPECT_EQ(help,
            " (stats.allocated) (thread.allocatedp) (thread.deallocatedp)");
}

}  // namespace
}  // namespace jemalloc_exporter
