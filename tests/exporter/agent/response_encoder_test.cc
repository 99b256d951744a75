#include "exporter/agent/response_encoder.h"

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

std::string Encode(const AgentResponse& response) {
  char document[kMaxDocumentSize];
  return {document, EncodeResponse(response, document)};
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

TEST(EncodeResponse, WritesAllKeysInOrder) {
  const HeapResponse heap = Fixture("je_");
  ExpectGolden(Encode({.pid = 42, .comm = "redis-server", .heaps = {&heap, 1}}),
               "agent_heap.json");
}

TEST(EncodeResponse, OmitsNumbersOfUnusedHeap) {
  const HeapResponse heap = Fixture("", /*used=*/false);
  EXPECT_EQ(Encode({.pid = 42, .comm = "a", .heaps = {&heap, 1}}),
            R"({"agent":1,"pid":42,"comm":"a",)"
            R"("jemalloc_version":"5.3.0-0-g54eaed1d",)"
            R"("state":"unused","heap_state":{}})");
}

TEST(EncodeResponse, WritesSeveralHeapsBehindTheKeysOfTheFirst) {
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
  EXPECT_LE(document.size(), kMaxDetailedDocumentSize);
}

// Of several heaps not all fit.
TEST(ResponseWriter, LeavesOutDetailsThatDoNotFit) {
  const std::vector<HeapResponse> heaps(kMaxHeaps, Fixture("je_"));
  const std::string document = Detailed(heaps, LargestDetails());
  EXPECT_LE(document.size(), kMaxDetailedResponseSize);
  EXPECT_TRUE(document.ends_with("}}]}")) << document.substr(32'000);
}

TEST(EncodeResponse, EscapesNames) {
  EXPECT_EQ(WithComm("\"\\\n\x01\x1F\x7F/é→"),
            R"({"agent":1,"pid":42,"comm":"\"\\\u000a\u0001\u001f)"
            "\x7F/é→"
            R"(","jemalloc_version":"5.3.0","state":"used","heap_state":{}})");
}

TEST(EncodeResponse, ReplacesInvalidUtf8) {
  EXPECT_EQ(WithComm("a\xFF\xC3"
                     "b\xE2\x82"),
            R"({"agent":1,"pid":42,"comm":"a��b�",)"
            R"("jemalloc_version":"5.3.0","state":"used","heap_state":{}})");
}

TEST(EncodeResponse, TruncatesLongNames) {
  const std::string document = (WithComm("0123456789abcdefghi"));
  EXPECT_NE(document.find(R"("0123456789abcde",)"), std::string::npos)
      << document;
}

TEST(EncodeResponse, FitsTheBufferWithLongestValues) {
  HeapState state;
  for (const HeapField& field : kHeapFields) {
    state.*field.value = std::numeric_limits<std::uint64_t>::max();
  }
  const std::string bytes(1000, '\x01');
  const std::vector<HeapResponse> heaps(
      kMaxHeaps,
      {.prefix = bytes, .jemalloc_version = bytes, .heap = {.state = state}});
  const AgentResponse response = {
      .pid = std::numeric_limits<int>::max(), .comm = bytes, .heaps = heaps};
  // Sanitizers check the writes.
  const auto document = std::make_unique<char[]>(kMaxDocumentSize);
  const char* const end = EncodeResponse(response, document.get());
  EXPECT_LE(end - document.get(), kMaxDocumentSize);
}

}  // namespace
}  // namespace jemalloc_exporter
