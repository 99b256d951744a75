#include "exporter/agent/response_writer.h"

#include <gtest/gtest.h>

#include <limits>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "tests/support/golden.h"
#include "tests/support/sample_details.h"

namespace jemalloc_exporter {
namespace {

struct Content {
  pid_t pid = 0;
  std::string_view comm;
  std::span<const HeapResponse> heaps;
};

std::string Encode(const Content& content) {
  // Sanitizers check the writes.
  const auto document = std::make_unique<char[]>(kMaxDocumentSize);
  ResponseWriter writer(content.pid, content.comm, content.heaps.size(),
                        {document.get(), kMaxDocumentSize});
  for (const HeapResponse& heap : content.heaps) writer.Add(heap);
  return {document.get(), writer.Finish()};
}

std::string WithComm(std::string_view comm) {
  const HeapResponse heap = {
      .prefix = {}, .jemalloc_version = "5.3.0", .heap = {}};
  return Encode({.pid = 42, .comm = comm, .heaps = {&heap, 1}});
}

HeapResponse Fixture(std::string_view prefix, bool used = true) {
  return {.prefix = prefix,
          .jemalloc_version = "5.3.0-0-g54eaed1d",
          .heap = {.state = HeapState::test_fixture(), .used = used}};
}

TEST(ResponseWriter, WritesAllKeysInOrder) {
  const HeapResponse heap = Fixture("je_");
  ExpectGolden(Encode({.pid = 42, .comm = "redis-server", .heaps = {&heap, 1}}),
               "agent_heap.json");
}

HeapResponse WithStatistics(std::string_view prefix, bool used = true) {
  HeapResponse response = Fixture(prefix, used);
  response.heap.statistics = HeapStatistics::test_fixture();
  response.heap.options = HeapOptions::test_fixture();
  return response;
}

// What a jemalloc of real numbers has: 8 digits in each, and its options.
HeapResponse Usual() {
  HeapResponse response = Fixture("a_prefix_");
  response.jemalloc_version =
      "5.3.0-0-g54eaed1d8b56b1aa528be3bdd1877e59c56fa90c";
  for (const HeapField& field : kHeapFields) {
    response.heap.state.*field.value = 87'654'321;
  }
  for (const HeapStatistic& row : kHeapStatistics) {
    response.heap.statistics.*row.value = 87'654'321;
  }
  response.heap.options = HeapOptions::test_fixture();
  response.heap.options.values[0] = HeapOptionValue(response.jemalloc_version);
  return response;
}

TEST(ResponseWriter, WritesStatisticsAndOptions) {
  const HeapResponse heap = WithStatistics("je_");
  ExpectGolden(Encode({.pid = 42, .comm = "redis-server", .heaps = {&heap, 1}}),
               "agent_statistics.json");
}

TEST(ResponseWriter, WritesStatisticsOfSeveralHeapsInTheirObjects) {
  const HeapResponse heaps[] = {WithStatistics("", /*used=*/false),
                                WithStatistics("_rjem_")};
  ExpectGolden(Encode({.pid = 42, .comm = "host", .heaps = heaps}),
               "agent_heaps_statistics.json");
}

TEST(ResponseWriter, OmitsStatisticsAndOptionsOfUnusedHeap) {
  const HeapResponse heap = WithStatistics("", /*used=*/false);
  EXPECT_EQ(Encode({.pid = 42, .comm = "a", .heaps = {&heap, 1}}),
            R"({"agent":1,"pid":42,"comm":"a",)"
            R"("jemalloc_version":"5.3.0-0-g54eaed1d",)"
            R"("state":"unused","heap_state":{}})");
}

TEST(ResponseWriter, HasLessThan4KiBForOneHeapOfLongestValues) {
  HeapResponse heap = Usual();
  for (const HeapStatistic& row : kHeapStatistics) {
    heap.heap.statistics.*row.value = std::numeric_limits<std::uint64_t>::max();
  }
  for (HeapOptionValue& value : heap.heap.options.values) {
    value = HeapOptionValue(std::string(100, 'x'));
  }
  const std::string comm(kMaxCommSize, '\x01');
  EXPECT_LT(Encode({.pid = 42, .comm = comm, .heaps = {&heap, 1}}).size(),
            4096);
}

std::size_t Count(const std::string& text, const std::string& part) {
  std::size_t count = 0;
  for (auto at = text.find(part); at != text.npos;
       at = text.find(part, at + 1)) {
    ++count;
  }
  return count;
}

TEST(ResponseWriter, HasStatisticsOfTheMostHeapsWithUsualValues) {
  const std::vector<HeapResponse> heaps(kMaxHeaps, Usual());
  const std::string document =
      Encode({.pid = 42, .comm = "host", .heaps = heaps});
  EXPECT_LE(document.size(), kMaxResponseSize);
  EXPECT_EQ(Count(document, "\"statistics\":"), kMaxHeaps);
  EXPECT_EQ(Count(document, "\"options\":"), kMaxHeaps);
}

TEST(ResponseWriter, OmitsNumbersOfUnusedHeap) {
  const HeapResponse heap = Fixture("", /*used=*/false);
  EXPECT_EQ(Encode({.pid = 42, .comm = "a", .heaps = {&heap, 1}}),
            R"({"agent":1,"pid":42,"comm":"a",)"
            R"("jemalloc_version":"5.3.0-0-g54eaed1d",)"
            R"("state":"unused","heap_state":{}})");
}

TEST(ResponseWriter, WritesSeveralHeapsBehindTheKeysOfTheFirst) {
  const HeapResponse heaps[] = {Fixture("", /*used=*/false), Fixture("_rjem_")};
  ExpectGolden(Encode({.pid = 42, .comm = "host", .heaps = heaps}),
               "agent_heaps.json");
}

std::string Detailed(std::span<const HeapResponse> heaps,
                     const HeapDetails& details) {
  // Sanitizers check the writes.
  const auto document = std::make_unique<char[]>(kMaxDetailedResponseSize);
  ResponseWriter writer(42, "redis-server", heaps.size(),
                        {document.get(), kMaxDetailedResponseSize});
  for (const HeapResponse& heap : heaps) writer.Add(heap, &details);
  return {document.get(), writer.Finish()};
}

TEST(ResponseWriter, WritesDetailsBehindTheOtherKeys) {
  const HeapResponse heap = Fixture("");
  ExpectGolden(Detailed({&heap, 1}, SampleDetails()),
               "agent_heap_details.json");
}

TEST(ResponseWriter, WritesTheDetailsOfEachOfSeveralHeaps) {
  const HeapResponse heaps[] = {Fixture(""), Fixture("_rjem_")};
  ExpectGolden(Detailed(heaps, SampleDetails()), "agent_heaps_details.json");
}

TEST(ResponseWriter, WritesNoKeyOfAbsentDetails) {
  const HeapResponse heap = Fixture("");
  EXPECT_EQ(Detailed({&heap, 1}, {}),
            Encode({.pid = 42, .comm = "redis-server", .heaps = {&heap, 1}}));
}

TEST(ResponseWriter, FitsTheBufferWithTheLargestDetails) {
  const HeapResponse heap = Fixture("");
  const std::string document = Detailed({&heap, 1}, LargestDetails());
  EXPECT_NE(document.find(R"("arenas")"), std::string::npos);
  EXPECT_EQ(document.find(R"("extents")"), std::string::npos);
  EXPECT_LE(document.size(), kMaxDetailedDocumentSize);
}

// As many as 36 bins, 232 sizes and 64 arenas leave room for.
TEST(ResponseWriter, WritesExtentsWhereTheyFit) {
  const HeapResponse heap = Fixture("");
  HeapDetails details = LargestDetails();
  details.bins.Clear();
  details.sizes.Clear();
  details.arenas.Clear();
  details.extents.Clear();
  for (std::uint64_t i = 0; i < 150; ++i) details.extents.Add({.size = i});
  const std::string document = Detailed({&heap, 1}, details);
  EXPECT_NE(document.find("[149,0,0,0,0,0,0]]}}"), std::string::npos);
  EXPECT_NE(document.find(R"("locks")"), std::string::npos);
}

// Of several heaps not all fit.
TEST(ResponseWriter, LeavesOutDetailsThatDoNotFit) {
  const std::vector<HeapResponse> heaps(kMaxHeaps, Fixture("je_"));
  const std::string document = Detailed(heaps, LargestDetails());
  EXPECT_LE(document.size(), kMaxDetailedResponseSize);
  EXPECT_TRUE(document.ends_with("}}]}")) << document.substr(32'000);
}

TEST(ResponseWriter, EscapesNames) {
  EXPECT_EQ(WithComm("\"\\\n\x01\x1F\x7F/é→"),
            R"({"agent":1,"pid":42,"comm":"\"\\\u000a\u0001\u001f)"
            "\x7F/é→"
            R"(","jemalloc_version":"5.3.0","state":"used","heap_state":{}})");
}

TEST(ResponseWriter, ReplacesInvalidUtf8) {
  EXPECT_EQ(WithComm("a\xFF\xC3"
                     "b\xE2\x82"),
            R"({"agent":1,"pid":42,"comm":"a��b�",)"
            R"("jemalloc_version":"5.3.0","state":"used","heap_state":{}})");
}

TEST(ResponseWriter, TruncatesLongNames) {
  const std::string document = (WithComm("0123456789abcdefghi"));
  EXPECT_NE(document.find(R"("0123456789abcde",)"), std::string::npos)
      << document;
}

TEST(ResponseWriter, FitsTheBufferWithLongestValues) {
  HeapState state;
  for (const HeapField& field : kHeapFields) {
    state.*field.value = std::numeric_limits<std::uint64_t>::max();
  }
  HeapStatistics statistics;
  for (const HeapStatistic& row : kHeapStatistics) {
    statistics.*row.value = std::numeric_limits<std::uint64_t>::max();
  }
  const std::string bytes(1000, '\x01');
  HeapOptions options;
  for (HeapOptionValue& value : options.values) value = HeapOptionValue(bytes);
  const std::vector<HeapResponse> heaps(
      kMaxHeaps,
      {.prefix = bytes,
       .jemalloc_version = bytes,
       .heap = {.state = state, .statistics = statistics, .options = options}});
  const std::string text = Encode(
      {.pid = std::numeric_limits<int>::max(), .comm = bytes, .heaps = heaps});
  EXPECT_LE(text.size(), kMaxDocumentSize);
  EXPECT_EQ(text.back(), '}');
  EXPECT_GE(Count(text, "\"statistics\":"), 3);
  EXPECT_EQ(Count(text, "\"heap_state\":"), kMaxHeaps + 1);
}

}  // namespace
}  // namespace jemalloc_exporter
