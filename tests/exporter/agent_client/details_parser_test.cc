#include "exporter/agent_client/details_parser.h"

#include <gtest/gtest.h>

#include <string>

#include "collector/text/details_json.h"
#include "exporter/agent/protocol.h"
#include "exporter/agent_client/response_parser.h"
#include "tests/support/golden.h"
#include "tests/support/sample_details.h"

namespace jemalloc_exporter {
namespace {

constexpr HeapDetailSets kAll = HeapDetailSets::All();

// A valid document, with `members` of the heap behind the others.
std::string Document(const std::string& members) {
  return R"({"agent":1,"pid":42,"comm":"redis","jemalloc_version":"5.3.0",)"
         R"("state":"used","heap_state":{"allocated_bytes":7})" +
         members + "}";
}

// The details of a document, which must be valid.
std::shared_ptr<const HeapDetails> Parse(const std::string& members,
                                         HeapDetailSets requested = kAll) {
  const auto response = ParseResponse(Document(members), requested);
  EXPECT_TRUE(response) << members;
  if (!response) return nullptr;
  EXPECT_EQ(response->heap_state.allocated_bytes, 7);
  return response->details;
}

std::string Replace(std::string text, const std::string& part,
                    const std::string& by) {
  EXPECT_NE(text.find(part), std::string::npos) << part;
  return text.replace(text.find(part), part.size(), by);
}

TEST(DetailsParser, ParsesWhatTheAgentWrites) {
  HeapDetails others = LargestDetails();
  others.sets.extents = false;
  HeapDetails extents = LargestDetails();
  extents.sets = {.extents = true};
  for (const HeapDetails& details : {SampleDetails(), others, extents}) {
    const std::string json = DetailsJson(details);
    const auto parsed = Parse(json);
    ASSERT_TRUE(parsed);
    EXPECT_EQ(DetailsJson(*parsed), json);
  }
}

// An agent without details ignores the name of the client's socket.
TEST(DetailsParser, ParsesTheDocumentOfAnAgentWithoutDetails) {
  const auto response = ParseResponse(ReadGolden("agent_heap.json"), kAll);
  ASSERT_TRUE(response);
  EXPECT_EQ(response->heap_state, HeapState::test_fixture());
  EXPECT_EQ(response->details, nullptr);
}

TEST(DetailsParser, ParsesTheDocumentOfAnAgentWithDetails) {
  const auto response =
      ParseResponse(ReadGolden("agent_heap_details.json"), kAll);
  ASSERT_TRUE(response);
  ASSERT_TRUE(response->details);
  EXPECT_EQ(DetailsJson(*response->details), DetailsJson(SampleDetails()));
  const auto heaps =
      ParseResponse(ReadGolden("agent_heaps_details.json"), kAll);
  ASSERT_TRUE(heaps);
  for (const ProcessHeap& heap : heaps->heaps) {
    ASSERT_TRUE(heap.details);
    EXPECT_EQ(DetailsJson(*heap.details), DetailsJson(SampleDetails()));
  }
}

TEST(DetailsParser, ParsesTheDocumentOfAnAgentWithoutExtents) {
  HeapDetails details = SampleDetails();
  details.sets.extents = false;
  const auto parsed = Parse(DetailsJson(details));
  ASSERT_TRUE(parsed);
  EXPECT_TRUE(parsed->sets == details.sets);
}

// As a client without details, for which they are unknown keys.
TEST(DetailsParser, ParsesTheRestOfADocumentWithDetails) {
  for (const char* name :
       {"agent_heap_details.json", "agent_heaps_details.json"}) {
    const auto response = ParseResponse(ReadGolden(name));
    ASSERT_TRUE(response);
    EXPECT_EQ(response->heap_state, HeapState::test_fixture());
    EXPECT_EQ(response->details, nullptr);
    for (const ProcessHeap& heap : response->heaps) {
      EXPECT_EQ(heap.details, nullptr);
    }
  }
}

TEST(DetailsParser, IgnoresSetsThatAreNotRequested) {
  const std::string json = DetailsJson(SampleDetails());
  EXPECT_EQ(Parse(json, {}), nullptr);
  const auto locks = Parse(json, {.locks = true});
  ASSERT_TRUE(locks);
  EXPECT_TRUE(locks->sets == HeapDetailSets{.locks = true});
  EXPECT_TRUE(locks->bins.empty());
}

TEST(DetailsParser, IgnoresTheDetailsOfAnUnusedHeap) {
  const auto response = ParseResponse(
      Replace(Document(DetailsJson(SampleDetails())), "used", "unused"), kAll);
  ASSERT_TRUE(response);
  EXPECT_EQ(response->details, nullptr);
}

TEST(DetailsParser, ParsesTheDetailsOfSeveralHeaps) {
  const std::string heap =
      R"("jemalloc_version":"5","state":"used","heap_state":{})";
  const std::string details = DetailsJson(SampleDetails());
  const auto response =
      ParseResponse(Document(R"(,"heaps":[{"prefix":"",)" + heap +
                             R"(},{"prefix":"je_",)" + heap + details + "}]"),
                    kAll);
  ASSERT_TRUE(response);
  EXPECT_EQ(response->details, nullptr);
  ASSERT_EQ(response->heaps.size(), 2);
  EXPECT_EQ(response->heaps[0].details, nullptr);
  ASSERT_TRUE(response->heaps[1].details);
  EXPECT_EQ(DetailsJson(*response->heaps[1].details), details);
}

TEST(DetailsParser, ReadsColumnsByTheirNames) {
  const auto details =
      Parse(R"(,"sizes":{"new":[[7]],"columns":["new","requests","size"],)"
            R"("rows":[[null,10,8],[1,20,16]]})");
  ASSERT_TRUE(details);
  ASSERT_EQ(details->sizes.size(), 2);
  EXPECT_EQ(details->sizes[1].size, 16);
  EXPECT_EQ(details->sizes[1].requests, 20);
}

TEST(DetailsParser, LeavesOutUnknownMutexes) {
  const auto details = Parse(R"(,"locks":{"new":[1,2,3],"ctl":[4,null,6]})");
  ASSERT_TRUE(details);
  HeapDetails expected;
  expected.sets = {.locks = true};
  for (std::size_t i = 0; i < kHeapLockCount; ++i) {
    if (kHeapLocks[i].name == "ctl") {
      expected.locks[i] = {
          .acquisitions = 4, .waits = std::nullopt, .wait_nanoseconds = 6};
    }
  }
  EXPECT_EQ(DetailsJson(*details), DetailsJson(expected));
}

// The process and the other sets are served.
TEST(DetailsParser, DropsAnInvalidSetAsAWhole) {
  const std::string sizes =
      R"(,"sizes":{"columns":["size","requests"],"rows":[[8,1],[16,2]]})";
  ASSERT_TRUE(Parse(sizes)->sets.sizes);
  const std::string locks = R"(,"locks":{"ctl":[1,2,3]})";
  const auto expect_dropped = [&](const std::string& invalid) {
    const auto details = Parse(invalid + locks);
    ASSERT_TRUE(details) << invalid;
    EXPECT_TRUE(details->sets == HeapDetailSets{.locks = true}) << invalid;
    EXPECT_TRUE(details->sizes.empty() || !details->sets.sizes) << invalid;
  };
  for (const auto& [part, by] : {
           std::pair("[8,1]", "[8]"),  // Rows of another length.
           std::pair("[8,1]", "[8,1,1]"),
           std::pair("[8,1]", "[]"),
           std::pair("[8,1]", "8"),
           std::pair("[8,1]", "null"),
           std::pair("[8,1]", R"({"size":8,"requests":1})"),
           std::pair("[8,1]", "[8,[1]]"),
           std::pair("[8,1]", "[16,1]"),  // Not ascending.
           std::pair("[8,1]", "[17,1]"),
           std::pair("[8,1]", "[null,1]"),
           std::pair("[8,1]", "[8,null]"),
           std::pair("[8,1]", "[8,-1]"),
           std::pair("[8,1]", "[8,1.0]"),
           std::pair("[8,1]", R"([8,"1"])"),
           std::pair("[8,1]", "[8,true]"),
           std::pair("[8,1]", "[8,18446744073709551616]"),
           std::pair(R"("requests")", R"("size")"),
           std::pair(R"("requests")", R"("other")"),
           std::pair(R"("requests")", "7"),
           std::pair(R"("columns":["size","requests"],)", ""),
           std::pair(R"("columns":["size","requests"])", R"("columns":{})"),
           std::pair(R"("rows":[[8,1],[16,2]])", R"("rows":7)"),
           std::pair(R"(,"rows":[[8,1],[16,2]])", ""),
           std::pair(R"("rows")", R"("rows":[],"rows")"),  // Duplicate keys.
           std::pair(R"("columns")", R"("columns":[],"columns")"),
       }) {
    expect_dropped(Replace(sizes, part, by));
  }
  expect_dropped(sizes + sizes);
  expect_dropped(R"(,"sizes":[])");
  expect_dropped(R"(,"sizes":null)");
}

TEST(DetailsParser, DropsInvalidMutexes) {
  const std::string bins =
      R"(,"bins":{"columns":["size","slots","slab_bytes","live","slabs",)"
      R"("requests"],"rows":[]})";
  for (const char* const locks : {
           R"(,"locks":{"ctl":[1,2]})",
           R"(,"locks":{"ctl":[1,2,3,4]})",
           R"(,"locks":{"ctl":[]})",
           R"(,"locks":{"ctl":7})",
           R"(,"locks":{"ctl":[1,2,{"a":3}]})",
           R"(,"locks":{"ctl":[1,2,3],"ctl":[1,2,3]})",
           R"(,"locks":{"ctl":[1,2,3]},"locks":{})",
           R"(,"locks":[[1,2,3]])",
       }) {
    const auto details = Parse(bins + locks);
    ASSERT_TRUE(details) << locks;
    EXPECT_TRUE(details->sets == HeapDetailSets{.bins = true}) << locks;
  }
}

TEST(DetailsParser, DropsASetOfMoreRowsThanTheMaximum) {
  const auto document = [](std::size_t rows) {
    std::string json = R"(,"sizes":{"columns":["size","requests"],"rows":[)";
    for (std::size_t i = 0; i < rows; ++i) {
      json += (i > 0 ? ",[" : "[") + std::to_string(i) + ",1]";
    }
    return json + "]}";
  };
  EXPECT_TRUE(Parse(document(kMaxSizes)));
  EXPECT_FALSE(Parse(document(kMaxSizes + 1)));
  EXPECT_FALSE(Parse(document(2000)));
  EXPECT_FALSE(ParseResponse(Document(document(10'000)), kAll));  // Too long.
}

TEST(DetailsParser, LimitsTheSizeOfTheDocumentByTheRequest) {
  const std::string document = Document("");
  const auto padded = [&](std::size_t size) {
    return document + std::string(size - document.size(), ' ');
  };
  EXPECT_TRUE(ParseResponse(padded(kMaxResponseSize)));
  EXPECT_FALSE(ParseResponse(padded(kMaxResponseSize + 1)));
  EXPECT_TRUE(ParseResponse(padded(kMaxDetailedResponseSize), {.bins = true}));
  EXPECT_FALSE(
      ParseResponse(padded(kMaxDetailedResponseSize + 1), {.bins = true}));
}

}  // namespace
}  // namespace jemalloc_exporter
