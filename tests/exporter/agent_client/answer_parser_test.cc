#include "exporter/agent_client/answer_parser.h"

#include <gtest/gtest.h>

#include <string>

#include "exporter/agent/wire.h"

namespace jemalloc_exporter {
namespace {

// A document that is valid but for what a test puts in the place of a part.
std::string Document(const std::string& part = "", const std::string& by = "") {
  std::string document =
      R"({"agent":1,"pid":42,"comm":"redis","jemalloc_version":"5.3.0",)"
      R"("state":"used","heap_state":{"allocated_bytes":7}})";
  if (!part.empty()) document.replace(document.find(part), part.size(), by);
  return document;
}

TEST(ParseAnswer, ReadsTheDocument) {
  const auto answer = ParseAnswer(Document());
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->pid, 42);
  EXPECT_EQ(answer->comm, "redis");
  EXPECT_EQ(answer->jemalloc_version, "5.3.0");
  EXPECT_TRUE(answer->used);
  HeapState state;
  state.allocated_bytes = 7;
  EXPECT_EQ(answer->heap_state, state);
}

TEST(ParseAnswer, IgnoresUnknownKeys) {
  EXPECT_TRUE(ParseAnswer(Document(R"("pid")", R"("new":[{}],"pid")")));
  EXPECT_TRUE(ParseAnswer(
      Document(R"("allocated_bytes")", R"("new":"é","allocated_bytes")")));
}

TEST(ParseAnswer, TakesAnUnusedHeapToBeEmpty) {
  const auto answer = ParseAnswer(Document("used", "unused"));
  ASSERT_TRUE(answer);
  EXPECT_FALSE(answer->used);
  EXPECT_EQ(answer->heap_state, HeapState{});
}

TEST(ParseAnswer, RejectsADocumentWithoutAKey) {
  for (const std::string_view key :
       {kAgentKey, kPidKey, kCommKey, kJemallocVersionKey, kStateKey,
        kHeapStateKey}) {
    const std::string quoted = '"' + std::string(key) + '"';
    EXPECT_FALSE(ParseAnswer(Document(quoted, R"("x")"))) << key;
  }
}

TEST(ParseAnswer, RejectsValuesOfTheWrongType) {
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
    EXPECT_FALSE(ParseAnswer(Document(part, by))) << part << " -> " << by;
  }
}

TEST(ParseAnswer, RejectsWhatIsNotOneObject) {
  for (const std::string& text :
       {std::string(), std::string("null"), std::string("[]"),
        std::string("{}"), Document().substr(0, 40), Document() + "x",
        Document() + Document(), Document("redis", "\xFF"),
        Document("redis", "\n"), Document("redis", "\\ud800"),
        std::string(kMaxAnswerSize, '['), std::string(100, '\0')}) {
    EXPECT_FALSE(ParseAnswer(text)) << text;
  }
}

TEST(ParseAnswer, RejectsADocumentBeyondTheLimit) {
  const std::string document = Document();
  const std::string padding(kMaxAnswerSize - document.size(), ' ');
  EXPECT_TRUE(ParseAnswer(document + padding));
  EXPECT_FALSE(ParseAnswer(document + padding + " "));
}

TEST(ParseAnswer, MakesNamesFitToBeShown) {
  const auto answer =
      ParseAnswer(Document("redis", R"(\u0000\n\u001b[31m\u009bé0123456789)"));
  ASSERT_TRUE(answer);
  EXPECT_EQ(answer->comm, "���[31m�é012345");
}

}  // namespace
}  // namespace jemalloc_exporter
