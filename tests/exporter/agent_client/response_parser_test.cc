#include "exporter/agent_client/response_parser.h"

#include <gtest/gtest.h>

#include <string>

#include "exporter/agent/protocol.h"

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
