#include "exporter/agent_client/response_parser.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "exporter/agent/protocol.h"
#include "tests/support/golden.h"

namespace jemalloc_exporter {
namespace {

// A document that is valid but for what a test puts instead of a part.
std::string Document(const std::string& part = "", const std::string& by = "") {
  std::string document =
      R"({"agent":1,"pid":42,"comm":"redis","jemalloc_version":"5.3.0",)"
      R"("state":"used","heap_state":{"allocated_bytes":7}})";
  if (!part.empty()) document.replace(document.find(part), part.size(), by);
  return document;
}

TEST(ParseResponse, ParsesAllKeys) {
  const auto response = ParseResponse(Document());
  ASSERT_TRUE(response);
  EXPECT_EQ(response->pid, 42);
  EXPECT_EQ(response->comm, "redis");
  EXPECT_EQ(response->jemalloc_version, "5.3.0");
  EXPECT_TRUE(response->used);
  HeapState state;
  state.allocated_bytes = 7;
  EXPECT_EQ(response->heap_state, state);
}

// The document of an agent before it had `heaps`, and of programs with one
// heap.
TEST(ParseResponse, ParsesTheDocumentOfOneHeap) {
  const auto response = ParseResponse(ReadGolden("agent_heap.json"));
  ASSERT_TRUE(response);
  EXPECT_EQ(response->comm, "redis-server");
  EXPECT_EQ(response->heap_state, HeapState::test_fixture());
  EXPECT_THAT(response->heaps, testing::IsEmpty());
}

TEST(ParseResponse, ParsesTheDocumentOfSeveralHeaps) {
  const auto response = ParseResponse(ReadGolden("agent_heaps.json"));
  ASSERT_TRUE(response);
  EXPECT_FALSE(response->used);
  ASSERT_EQ(response->heaps.size(), 2);
  EXPECT_EQ(response->heaps[0].prefix, "");
  EXPECT_FALSE(response->heaps[0].used);
  EXPECT_EQ(response->heaps[0].heap_state, HeapState{});
  EXPECT_EQ(response->heaps[1].prefix, "_rjem_");
  EXPECT_EQ(response->heaps[1].jemalloc_version, "5.3.0-0-g54eaed1d");
  EXPECT_TRUE(response->heaps[1].used);
  EXPECT_EQ(response->heaps[1].heap_state, HeapState::test_fixture());
}

// An older client knows only the keys of one heap, which are complete.
TEST(ParseResponse, ParsesTheDocumentOfSeveralHeapsWithoutTheirKey) {
  std::string document = ReadGolden("agent_heaps.json");
  document.replace(document.find("heaps"), 5, "other");
  const auto response = ParseResponse(document);
  ASSERT_TRUE(response);
  EXPECT_EQ(response->comm, "host");
  EXPECT_THAT(response->heaps, testing::IsEmpty());
}

TEST(ParseResponse, RejectsInvalidHeaps) {
  const std::string golden = ReadGolden("agent_heaps.json");
  const std::size_t heaps = golden.find("heaps");
  for (const auto& [part, by] : {
           std::pair(R"("prefix":"")", R"("prefix":"_rjem_")"),
           std::pair(R"("prefix":"")", R"("prefix":7)"),
           std::pair(R"("prefix")", R"("x")"),
           std::pair(R"("jemalloc_version")", R"("x")"),
           std::pair(R"("state")", R"("x")"),
           std::pair(R"("unused")", R"("x")"),
           std::pair(R"("heap_state")", R"("x")"),
           std::pair(R"("heap_state":{})", R"("heap_state":[])"),
           std::pair("524288", "-1"),
           std::pair("[{", "[1,{"),
           std::pair("[{", R"({"a":{)"),
       }) {
    std::string document = golden;
    document.replace(document.find(part, heaps), std::string(part).size(), by);
    EXPECT_FALSE(ParseResponse(document)) << document;
  }
}

TEST(ParseResponse, RejectsMoreHeapsThanTheMaximum) {
  const auto document = [](std::size_t count) {
    std::string heaps;
    for (std::size_t i = 0; i < count; ++i) {
      heaps += (i > 0 ? R"(,{"prefix":")" : R"({"prefix":")") +
               std::to_string(i) +
               R"(","jemalloc_version":"5","state":"used","heap_state":{}})";
    }
    return Document(R"("pid")", R"("heaps":[)" + heaps + R"(],"pid")");
  };
  EXPECT_TRUE(ParseResponse(document(kMaxHeaps)));
  EXPECT_FALSE(ParseResponse(document(kMaxHeaps + 1)));
}

TEST(ParseResponse, IgnoresUnknownKeys) {
  EXPECT_TRUE(ParseResponse(Document(R"("pid")", R"("new":[{}],"pid")")));
  EXPECT_TRUE(ParseResponse(
      Document(R"("allocated_bytes")", R"("new":"é","allocated_bytes")")));
}

TEST(ParseResponse, ReturnsAnEmptyStateForAnUnusedHeap) {
  const auto response = ParseResponse(Document("used", "unused"));
  ASSERT_TRUE(response);
  EXPECT_FALSE(response->used);
  EXPECT_EQ(response->heap_state, HeapState{});
}

TEST(ParseResponse, RejectsADocumentWithoutAKey) {
  for (const std::string_view key :
       {kAgentKey, kPidKey, kCommKey, kJemallocVersionKey, kStateKey,
        kHeapStateKey}) {
    const std::string quoted = '"' + std::string(key) + '"';
    EXPECT_FALSE(ParseResponse(Document(quoted, R"("x")"))) << key;
  }
}

TEST(ParseResponse, RejectsValuesOfTheWrongType) {
  for (const auto& [part, by] : {
           std::pair(R"("agent":1)", R"("agent":"1")"),
           std::pair(R"("agent":1)", R"("agent":1.0)"),
           std::pair(R"("agent":1)", R"("agent":true)"),
           std::pair(R"("agent":1)", R"("agent":2)"),
           std::pair("42", R"("42")"),
           std::pair("42", "42.0"),
           std::pair("42", "0"),
           std::pair("42", "-1"),
           std::pair("42", "2147483648"),
           std::pair("42", "18446744073709551658"),
           std::pair(R"("redis")", "1"),
           std::pair(R"("redis")", "null"),
           std::pair(R"("redis")", R"(["redis"])"),
           std::pair(R"("5.3.0")", "5.3"),
           std::pair(R"("used")", "true"),
           std::pair(R"("used")", R"("busy")"),
           std::pair(R"({"allocated_bytes":7})", "null"),
           std::pair(R"({"allocated_bytes":7})", "[]"),
           std::pair(R"({"allocated_bytes":7})", R"("{}")"),
           std::pair("7", "-7"),
           std::pair("7", "7.5"),
           std::pair("7", R"("7")"),
           std::pair("7", "18446744073709551616"),
       }) {
    EXPECT_FALSE(ParseResponse(Document(part, by))) << part << " -> " << by;
  }
}

TEST(ParseResponse, RejectsAnythingButOneObject) {
  for (const std::string& text :
       {std::string(), std::string("null"), std::string("[]"),
        std::string("{}"), Document().substr(0, 40), Document() + "x",
        Document() + Document(), Document("redis", "\xFF"),
        Document("redis", "\n"), Document("redis", "\\ud800"),
        std::string(kMaxResponseSize, '['), std::string(100, '\0')}) {
    EXPECT_FALSE(ParseResponse(text)) << text;
  }
}

TEST(ParseResponse, LimitsTheSizeOfTheDocument) {
  const std::string document = Document();
  const std::string padding(kMaxResponseSize - document.size(), ' ');
  EXPECT_TRUE(ParseResponse(document + padding));
  EXPECT_FALSE(ParseResponse(document + padding + " "));
}

TEST(ParseResponse, SanitizesStrings) {
  const auto response = ParseResponse(
      Document("redis", R"(\u0000\n\u001b[31m\u009bé0123456789)"));
  ASSERT_TRUE(response);
  EXPECT_EQ(response->comm, "���[31m�é012345");
}

}  // namespace
}  // namespace jemalloc_exporter
