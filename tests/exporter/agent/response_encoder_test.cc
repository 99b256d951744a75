#include "exporter/agent/response_encoder.h"

#include <gtest/gtest.h>

#include <limits>
#include <string>

#include "exporter/agent_client/response_parser.h"

namespace jemalloc_exporter {
namespace {

std::string Encode(const AgentResponse& response) {
  char document[kMaxDocumentSize];
  return {document, EncodeResponse(response, document)};
}

AgentResponse WithComm(std::string_view comm) {
  return {.pid = 42, .comm = comm, .jemalloc_version = "5.3.0", .heap = {}};
}

TEST(EncodeResponse, WritesAllKeysInOrder) {
  EXPECT_EQ(
      Encode({.pid = 42,
              .comm = "redis-server",
              .jemalloc_version = "5.3.0-0-g54eaed1d",
              .heap = {.state = HeapState::test_fixture()}}),
      R"({"agent":1,"pid":42,"comm":"redis-server",)"
      R"("jemalloc_version":"5.3.0-0-g54eaed1d","state":"used",)"
      R"("heap_state":{"allocated_bytes":524288,"active_bytes":1048576,)"
      R"("resident_bytes":2097152,"mapped_bytes":4194304,"narenas":64}})");
}

TEST(EncodeResponse, OmitsNumbersOfUnusedHeap) {
  AgentResponse response = WithComm("a");
  response.heap = {.state = HeapState::test_fixture(), .used = false};
  EXPECT_EQ(Encode(response),
            R"({"agent":1,"pid":42,"comm":"a","jemalloc_version":"5.3.0",)"
            R"("state":"unused","heap_state":{}})");
}

TEST(EncodeResponse, EscapesNames) {
  EXPECT_EQ(Encode(WithComm("\"\\\n\x01\x1F\x7F/é→")),
            R"({"agent":1,"pid":42,"comm":"\"\\\u000a\u0001\u001f)"
            "\x7F/é→"
            R"(","jemalloc_version":"5.3.0","state":"used","heap_state":{}})");
}

TEST(EncodeResponse, ReplacesInvalidUtf8) {
  EXPECT_EQ(Encode(WithComm("a\xFF\xC3"
                            "b\xE2\x82")),
            R"({"agent":1,"pid":42,"comm":"a��b�",)"
            R"("jemalloc_version":"5.3.0","state":"used","heap_state":{}})");
}

TEST(EncodeResponse, TruncatesLongNames) {
  const std::string document = Encode(WithComm("0123456789abcdefghi"));
  EXPECT_NE(document.find(R"("0123456789abcde",)"), std::string::npos)
      << document;
}

TEST(EncodeResponse, FitsTheBufferWithLongestValues) {
  HeapState state;
  for (const HeapField& field : kHeapFields) {
    state.*field.value = std::numeric_limits<std::uint64_t>::max();
  }
  const std::string bytes(1000, '\x01');
  const std::string document = Encode({.pid = std::numeric_limits<int>::max(),
                                       .comm = bytes,
                                       .jemalloc_version = bytes,
                                       .heap = {.state = state}});
  EXPECT_LE(document.size(), kMaxDocumentSize);
  const auto parsed = ParseResponse(document);
  ASSERT_TRUE(parsed);
  EXPECT_EQ(parsed->heap_state, state);
}

}  // namespace
}  // namespace jemalloc_exporter
