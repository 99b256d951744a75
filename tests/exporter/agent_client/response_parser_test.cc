#include "exporter/agent_client/response_parser.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <regex>
#include <string>
#include <utility>
#include <vector>

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

TEST(ParseResponse, ParsesStatisticsAndOptions) {
  const auto response = ParseResponse(ReadGolden("agent_statistics.json"));
  ASSERT_TRUE(response);
  EXPECT_EQ(response->heap_state, HeapState::test_fixture());
  EXPECT_TRUE(response->statistics == HeapStatistics::test_fixture());
  EXPECT_TRUE(response->options == HeapOptions::test_fixture());
}

TEST(ParseResponse, ReturnsNoStatisticsOfAnOlderAgent) {
  const auto response = ParseResponse(ReadGolden("agent_heap.json"));
  ASSERT_TRUE(response);
  EXPECT_TRUE(response->statistics == HeapStatistics{});
  EXPECT_TRUE(response->options == HeapOptions{});
}

TEST(ParseResponse, ParsesStatisticsAndOptionsOfSeveralHeaps) {
  const auto response =
      ParseResponse(ReadGolden("agent_heaps_statistics.json"));
  ASSERT_TRUE(response);
  ASSERT_EQ(response->heaps.size(), 2);
  EXPECT_TRUE(response->heaps[0].statistics == HeapStatistics{});
  EXPECT_TRUE(response->heaps[0].options == HeapOptions{});
  EXPECT_TRUE(response->heaps[1].statistics == HeapStatistics::test_fixture());
  EXPECT_TRUE(response->heaps[1].options == HeapOptions::test_fixture());
}

// An older client ignores these keys, wherever they are. What remains is the
// document of an older agent, byte for byte.
TEST(ParseResponse, HasTheDocumentOfAnOlderAgentBesidesStatistics) {
  for (const auto& [newer, older] :
       {std::pair("agent_statistics.json", "agent_heap.json"),
        std::pair("agent_heaps_statistics.json", "agent_heaps.json")}) {
    const std::regex added(R"x(,"(statistics|options)":\{[^}]*\})x");
    EXPECT_EQ(std::regex_replace(ReadGolden(newer), added, ""),
              ReadGolden(older));
  }
}

// The document with `value` as statistics, then as options.
std::vector<std::string> WithObject(const std::string& statistics,
                                    const std::string& options) {
  return {Document(R"("heap_state")",
                   R"("statistics":)" + statistics + R"(,"heap_state")"),
          Document(R"("heap_state")",
                   R"("options":)" + options + R"(,"heap_state")")};
}

TEST(ParseResponse, RejectsStatisticsAndOptionsOfTheWrongType) {
  for (const std::string value : {"null", "[]", "1", "\"\""}) {
    for (const std::string& document : WithObject(value, value)) {
      EXPECT_FALSE(ParseResponse(document)) << document;
    }
  }
  for (const std::string value :
       {"-1", "1.5", "true", "null", "{}", "18446744073709551616"}) {
    for (const std::string& document :
         WithObject(R"({"retained_bytes":)" + value + "}",
                    R"({"thp":)" + value + "}")) {
      EXPECT_FALSE(ParseResponse(document)) << document;
    }
  }
}

TEST(ParseResponse, IgnoresUnknownStatisticsAndOptions) {
  for (const std::string& document :
       WithObject(R"({"new":null,"more":[{"a":-1}],"nested":{"threads":-1}})",
                  R"({"new":null,"more":[{"a":-1}],"nested":{"thp":1}})")) {
    const auto response = ParseResponse(document);
    ASSERT_TRUE(response) << document;
    EXPECT_TRUE(response->statistics == HeapStatistics{});
    EXPECT_TRUE(response->options == HeapOptions{});
  }
}

TEST(ParseResponse, TakesTheLastOfRepeatedStatistics) {
  const auto response = ParseResponse(Document(
      R"("heap_state")", R"("statistics":{"threads":1,"zero_reallocs":1},)"
                         R"("statistics":{"threads":2},"heap_state")"));
  ASSERT_TRUE(response);
  HeapStatistics statistics;
  statistics.threads = 2;
  EXPECT_TRUE(response->statistics == statistics);
}

TEST(ParseResponse, BoundsOptions) {
  const auto response =
      ParseResponse(WithObject("{}", R"({"thp":")" + std::string(1000, 'x') +
                                         R"(","version":"\u0000\n\"é"})")[1]);
  ASSERT_TRUE(response);
  EXPECT_EQ(response->options.values[7].view(), std::string(32, 'x'));
  EXPECT_EQ(response->options.values[0].view(), "?????");
}

TEST(ParseResponse, ReturnsNoStatisticsOfAnUnusedHeap) {
  std::string document = WithObject(R"({"threads":1})", "{}")[0];
  document.replace(document.find("used"), 4, "unused");
  const auto response = ParseResponse(document);
  ASSERT_TRUE(response);
  EXPECT_TRUE(response->statistics == HeapStatistics{});
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
