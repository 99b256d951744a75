#include "exporter/agent/answer_writer.h"

#include <gtest/gtest.h>

#include <limits>
#include <string>

#include "exporter/agent_client/response_parser.h"

namespace jemalloc_exporter {
namespace {

std::string Written(const Answer& answer) {
  char document[kMaxDocumentSize];
  return {document, WriteAnswer(answer, document)};
}

Answer WithComm(std::string_view comm) {
  return {.pid = 42, .comm = comm, .jemalloc_version = "5.3.0", .heap = {}};
}

TEST(WriteAnswer, IsTheDocumentOfTheDesign) {
  EXPECT_EQ(
      Written({.pid = 42,
               .comm = "redis-server",
               .jemalloc_version = "5.3.0-0-g54eaed1d",
               .heap = {.state = HeapState::test_fixture()}}),
      R"({"agent":1,"pid":42,"comm":"redis-server",)"
      R"("jemalloc_version":"5.3.0-0-g54eaed1d","state":"used",)"
      R"("heap_state":{"allocated_bytes":524288,"active_bytes":1048576,)"
      R"("resident_bytes":2097152,"mapped_bytes":4194304,"narenas":64}})");
}

TEST(WriteAnswer, LeavesTheNumbersOfAnUnusedHeapOut) {
  Answer answer = WithComm("a");
  answer.heap = {.state = HeapState::test_fixture(), .used = false};
  EXPECT_EQ(Written(answer),
            R"({"agent":1,"pid":42,"comm":"a","jemalloc_version":"5.3.0",)"
            R"("state":"unused","heap_state":{}})");
}

TEST(WriteAnswer, EscapesNames) {
  EXPECT_EQ(Written(WithComm("\"\\\n\x01\x1F\x7F/é→")),
            R"({"agent":1,"pid":42,"comm":"\"\\\u000a\u0001\u001f)"
            "\x7F/é→"
            R"(","jemalloc_version":"5.3.0","state":"used","heap_state":{}})");
}

TEST(WriteAnswer, MakesNamesValidUtf8) {
  EXPECT_EQ(Written(WithComm("a\xFF\xC3"
                             "b\xE2\x82")),
            R"({"agent":1,"pid":42,"comm":"a��b�",)"
            R"("jemalloc_version":"5.3.0","state":"used","heap_state":{}})");
}

TEST(WriteAnswer, CutsLongNames) {
  const std::string document = Written(WithComm("0123456789abcdefghi"));
  EXPECT_NE(document.find(R"("0123456789abcde",)"), std::string::npos)
      << document;
}

TEST(WriteAnswer, FitsWhereEverythingIsAsLongAsItGets) {
  HeapState state;
  for (const HeapField& field : kHeapFields) {
    state.*field.value = std::numeric_limits<std::uint64_t>::max();
  }
  const std::string bytes(1000, '\x01');
  const std::string document = Written({.pid = std::numeric_limits<int>::max(),
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
