#include "exporter/agent/response_encoder.h"

#include <gtest/gtest.h>

#include <limits>
#include <memory>
#include <string>
#include <vector>

#include "tests/support/golden.h"

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
