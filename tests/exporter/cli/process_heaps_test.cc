#include "exporter/cli/process_heaps.h"

#include <gtest/gtest.h>

#include "jemalloc_exporter/heap_serialization.h"
#include "tests/support/sample_processes.h"

namespace jemalloc_exporter {
namespace {

TEST(HeapsToText, IsTheStateOfOneHeap) {
  Process process;
  process.status = ProcessStatus::kUsed;
  process.heap_state = HeapState::test_fixture();
  EXPECT_EQ(HeapsToText(process), ToText(process.heap_state));
  process.statistics = HeapStatistics::test_fixture();
  EXPECT_EQ(HeapsToText(process), ToText(process.snapshot()));
}

TEST(HeapsToText, HasEachOfSeveralHeapsBelowItsPrefix) {
  const Process process = ProcessWithSeveralHeaps();
  EXPECT_EQ(HeapsToText(process),
            "prefix: (none)\n" + ToText(process.heaps[0].snapshot()) +
                "prefix: duckdb_je_\n" + ToText(process.heaps[1].snapshot()) +
                "prefix: _rjem_, unused\n");
}

TEST(HeapsToJson, IsTheStateOfOneHeap) {
  Process process;
  process.status = ProcessStatus::kUsed;
  process.heap_state = HeapState::test_fixture();
  EXPECT_EQ(HeapsToJson(process), ToJson(process.heap_state));
  process.statistics = HeapStatistics::test_fixture();
  EXPECT_EQ(HeapsToJson(process), ToJson(process.snapshot()));
}

TEST(HeapsToJson, HasTheSumAndEachOfSeveralHeaps) {
  Process process = ProcessWithSeveralHeaps();
  EXPECT_EQ(FromJson(HeapsToJson(process)), process.heap_state);
  const auto sum = ParseHeapSnapshot(HeapsToJson(process));
  ASSERT_TRUE(sum);
  EXPECT_TRUE(sum->statistics == process.statistics);
  process.heaps.erase(process.heaps.begin(), process.heaps.begin() + 2);
  process.heap_state = {};
  process.statistics = {};
  EXPECT_EQ(HeapsToJson(process),
            R"({"heaps":[{"prefix":"_rjem_","jemalloc_version":"5.3.0-1",)"
            R"("state":"unused","heap_state":{}}]})");
}

}  // namespace
}  // namespace jemalloc_exporter
