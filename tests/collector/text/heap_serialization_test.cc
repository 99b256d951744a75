#include "jemalloc_exporter/heap_serialization.h"

#include <gtest/gtest.h>

#include <limits>
#include <locale>
#include <string>

#include "collector/text/json_writer.h"

namespace jemalloc_exporter {
namespace {

constexpr auto kMax = std::numeric_limits<std::uint64_t>::max();

HeapState FixtureWithHoles() {
  HeapState state = HeapState::test_fixture();
  state.active_bytes = std::nullopt;
  state.narenas = std::nullopt;
  return state;
}

HeapState FilledWith(std::uint64_t value) {
  HeapState state;
  for (const HeapField& field : kHeapFields) state.*field.value = value;
  return state;
}

std::string ErrorOf(std::string_view json) {
  std::string error;
  EXPECT_EQ(FromJson(json, &error), std::nullopt) << json;
  return error;
}

TEST(Text, ListsEveryField) {
  EXPECT_EQ(ToText(HeapState::test_fixture()),
            "allocated_bytes: 524288\n"
            "active_bytes: 1048576\n"
            "resident_bytes: 2097152\n"
            "mapped_bytes: 4194304\n"
            "narenas: 64\n");
}

TEST(Text, RendersAbsentFieldsAsUnknown) {
  EXPECT_EQ(ToText(FixtureWithHoles()),
            "allocated_bytes: 524288\n"
            "active_bytes: (unknown)\n"
            "resident_bytes: 2097152\n"
            "mapped_bytes: 4194304\n"
            "narenas: (unknown)\n");
}

TEST(Diff, IsEmptyForEqualStates) {
  EXPECT_EQ(Diff(HeapState::test_fixture(), HeapState::test_fixture()), "");
  EXPECT_EQ(Diff(HeapState{}, HeapState{}), "");
}

TEST(Diff, ListsOnlyTheFieldsThatChanged) {
  HeapState after = HeapState::test_fixture();
  after.allocated_bytes = 600'000;
  after.narenas = 65;
  EXPECT_EQ(Diff(HeapState::test_fixture(), after),
            "allocated_bytes: 524288 → 600000\n"
            "narenas: 64 → 65\n");
}

TEST(Diff, RendersAbsentFieldsAsUnknownOnEitherSide) {
  EXPECT_EQ(Diff(FixtureWithHoles(), HeapState::test_fixture()),
            "active_bytes: (unknown) → 1048576\n"
            "narenas: (unknown) → 64\n");
  EXPECT_EQ(Diff(HeapState::test_fixture(), FixtureWithHoles()),
            "active_bytes: 1048576 → (unknown)\n"
            "narenas: 64 → (unknown)\n");
}

TEST(Json, HasTheFieldsInTheirOrder) {
  EXPECT_EQ(ToJson(HeapState::test_fixture()),
            R"({"allocated_bytes":524288,"active_bytes":1048576,)"
            R"("resident_bytes":2097152,"mapped_bytes":4194304,"narenas":64})");
}

TEST(Json, OmitsAbsentFields) {
  EXPECT_EQ(ToJson(FixtureWithHoles()),
            R"({"allocated_bytes":524288,"resident_bytes":2097152,)"
            R"("mapped_bytes":4194304})");
  EXPECT_EQ(ToJson(HeapState{}), "{}");
}

TEST(Json, FillsItsBufferExactlyWhenEveryValueIsTheLargest) {
  EXPECT_EQ(ToJson(FilledWith(kMax)).size(), kMaxHeapJsonSize);
}

// Groups digits by thousands, as German does.
struct Grouping : std::numpunct<char> {
  std::string do_grouping() const override { return "\3"; }
  char do_thousands_sep() const override { return '.'; }
};

TEST(Renderings, AreTheSameInALocaleThatGroupsDigits) {
  const HeapState state = FilledWith(1'234'567);
  const std::string human = ToText(state);
  const std::string diff = Diff({}, state);
  const std::string json = ToJson(state);
  const std::locale before = std::locale::global(std::locale(
      std::locale::classic(), std::make_unique<Grouping>().release()));
  EXPECT_EQ(ToText(state), human);
  EXPECT_EQ(Diff({}, state), diff);
  EXPECT_EQ(ToJson(state), json);
  EXPECT_TRUE(FromJson(json) == state);
  std::locale::global(before);
}

TEST(JsonParser, ReadsBackWhatWasWritten) {
  for (const HeapState& state :
       {HeapState{}, HeapState::test_fixture(), FixtureWithHoles(),
        FilledWith(0), FilledWith(kMax), FilledWith((1ULL << 53) + 1)}) {
    EXPECT_TRUE(FromJson(ToJson(state)) == state) << ToJson(state);
  }
}

TEST(JsonParser, AcceptsMissingAndUnknownKeysAndAnySpelling) {
  HeapState state;
  state.allocated_bytes = 1;
  state.narenas = 2;
  EXPECT_TRUE(FromJson("{\n \"narenas\" : 2, \"retained_bytes\": [-1, null],"
                       "\t\"\\u0061llocated_bytes\": 1 }\r\n") == state);
}

TEST(JsonParser, AssignsNoErrorOnSuccess) {
  std::string error = "untouched";
  EXPECT_NE(FromJson("{}", &error), std::nullopt);
  EXPECT_EQ(error, "untouched");
}

TEST(JsonParser, AcceptsANullError) {
  EXPECT_EQ(FromJson("nonsense"), std::nullopt);
}

TEST(JsonParser, ReturnsThePositionOfASyntaxError) {
  EXPECT_EQ(ErrorOf(""),
            "line 1, column 1: syntax error while parsing value - unexpected "
            "end of input; expected '[', '{', or a literal");
  EXPECT_EQ(ErrorOf("{\n  \"narenas\": 1,\n  \"active_bytes\" 2}"),
            "line 3, column 18: syntax error while parsing object separator - "
            "unexpected number literal; expected ':'");
  EXPECT_EQ(ErrorOf("{\"narenas\":6"),
            "line 1, column 13: syntax error while parsing object - "
            "unexpected end of input; expected '}'");
}

TEST(JsonParser, RejectsTextAfterTheObject) {
  EXPECT_EQ(ErrorOf("{} {}"),
            "line 1, column 4: syntax error while parsing value - unexpected "
            "'{'; expected end of input");
}

TEST(JsonParser, DoesNotQuoteTheInput) {
  EXPECT_EQ(ErrorOf(std::string("{\"\x1b[2J\xff") + std::string(100'000, 'x')),
            "line 1, column 3: syntax error while parsing object key - "
            "invalid string: control character U+001B (ESC) must be escaped "
            "to \\u001B");
}

TEST(JsonParser, RejectsOtherTypesThanObjects) {
  EXPECT_EQ(ErrorOf("[1]"), "expected an object, found array");
  EXPECT_EQ(ErrorOf("null"), "expected an object, found null");
}

TEST(JsonParser, RejectsOtherTypesThan64BitIntegers) {
  const std::string expected =
      "narenas: expected an integer from 0 to 2^64 - 1, found ";
  EXPECT_EQ(ErrorOf(R"({"narenas":-1})"), expected + "-1");
  EXPECT_EQ(ErrorOf(R"({"narenas":1.5})"), expected + "1.5");
  EXPECT_EQ(ErrorOf(R"({"narenas":18446744073709551616})"),
            expected + "18446744073709551616");
  EXPECT_EQ(ErrorOf(R"({"narenas":"64"})"), expected + "string");
  EXPECT_EQ(ErrorOf(R"({"narenas":null})"), expected + "null");
  EXPECT_EQ(ErrorOf(R"({"narenas":[64]})"), expected + "array");
  EXPECT_EQ(ErrorOf(R"({"narenas":true})"), expected + "boolean");
}

TEST(JsonParser, RejectsNumbersOutOfRange) {
  EXPECT_EQ(ErrorOf(R"({"narenas":1e999})"),
            "a number is larger than any that JSON readers take");
}

TEST(JsonParser, SurvivesDeepNesting) {
  EXPECT_EQ(FromJson(std::string(1'000'000, '[')), std::nullopt);
  EXPECT_EQ(FromJson(R"({"x":)" + std::string(100'000, '[') +
                     std::string(100'000, ']') + "}"),
            HeapState{});
}

HeapSnapshot SnapshotFixture() {
  return {HeapState::test_fixture(), true, HeapStatistics::test_fixture(),
          HeapOptions::test_fixture()};
}

std::string StatisticsText(const HeapStatistics& statistics) {
  std::string text;
  for (const HeapStatistic& row : kHeapStatistics) {
    if (const auto& value = statistics.*row.value) {
      text += std::string(row.key) + ": " + std::to_string(*value) + "\n";
    }
  }
  return text;
}

TEST(TextOfSnapshot, IsThatOfTheStateWithoutStatistics) {
  const HeapSnapshot snapshot{HeapState::test_fixture(), true};
  EXPECT_EQ(ToText(snapshot), ToText(snapshot.state));
}

TEST(TextOfSnapshot, HasPresentStatisticsAndOptionsBehindAnEmptyLine) {
  HeapSnapshot snapshot = SnapshotFixture();
  snapshot.statistics.threads = std::nullopt;
  snapshot.options.values[1] = {};
  EXPECT_EQ(ToText(snapshot),
            ToText(snapshot.state) + "\n" +
                StatisticsText(snapshot.statistics) +
                "options: version=5.3.0 muzzy_decay_ms=1000 narenas=1000 "
                "tcache=true tcache_max=1000 retain=true thp=default "
                "metadata_thp=default percpu_arena=default "
                "oversize_threshold=1000 cache_oblivious=true prof=true "
                "hpa=true\n");
  EXPECT_EQ(ToText(snapshot).find("threads:"),
            ToText(snapshot).find("background_threads:") + 11);
}

TEST(JsonOfSnapshot, IsThatOfTheStateWithoutStatistics) {
  const HeapSnapshot snapshot{HeapState::test_fixture(), true};
  EXPECT_EQ(ToJson(snapshot), ToJson(snapshot.state));
  EXPECT_EQ(ToJson(HeapSnapshot{}), "{}");
}

TEST(JsonOfSnapshot, OmitsWhatIsAbsent) {
  HeapSnapshot snapshot;
  snapshot.statistics.threads = 7;
  snapshot.options.values[4] = HeapOptionValue("true");
  EXPECT_EQ(ToJson(snapshot),
            R"({"statistics":{"threads":7},"options":{"tcache":"true"}})");
  snapshot.state.narenas = 1;
  EXPECT_EQ(ToJson(snapshot), R"({"narenas":1,"statistics":{"threads":7},)"
                              R"("options":{"tcache":"true"}})");
  snapshot.used = false;
  EXPECT_EQ(ToJson(snapshot), "{}");
}

TEST(JsonOfSnapshot, IsParsedWithoutALoss) {
  HeapSnapshot snapshot = SnapshotFixture();
  snapshot.statistics.lock_waits = std::numeric_limits<std::uint64_t>::max();
  const auto parsed = ParseHeapSnapshot(ToJson(snapshot));
  ASSERT_TRUE(parsed);
  EXPECT_EQ(parsed->state, snapshot.state);
  EXPECT_TRUE(parsed->statistics == snapshot.statistics);
  EXPECT_TRUE(parsed->options == snapshot.options);
  EXPECT_EQ(FromJson(ToJson(snapshot)), snapshot.state);
}

TEST(JsonOfSnapshot, IsRejectedWithThePathOfTheError) {
  for (const auto& [json, expected] : {
           std::pair(R"({"statistics":1})",
                     "statistics: expected an object, found 1"),
           std::pair(R"({"options":[]})",
                     "options: expected an object, found array"),
           std::pair(R"({"statistics":{"threads":-1}})",
                     "statistics.threads: expected an integer from 0 to 2^64 - "
                     "1, found -1"),
           std::pair(R"({"options":{"thp":1}})",
                     "options.thp: expected a string, found 1"),
           std::pair("[]", "expected an object, found array"),
       }) {
    std::string error;
    EXPECT_FALSE(ParseHeapSnapshot(json, &error)) << json;
    EXPECT_EQ(error, expected);
  }
}

TEST(DiffOfSnapshots, HasTheStatisticsThatBothHave) {
  HeapSnapshot before = SnapshotFixture();
  HeapSnapshot after = before;
  EXPECT_EQ(Diff(before, after), "");
  ++*after.state.narenas;
  ++*after.statistics.threads;
  after.statistics.lock_waits = std::nullopt;
  before.statistics.dirty_bytes = std::nullopt;
  // Of the reading, not of the heap.
  ++*after.statistics.refresh_nanoseconds;
  EXPECT_EQ(Diff(before, after), "narenas: 64 → 65\nthreads: 16000 → 16001\n");
}

TEST(DiffOfSnapshots, ComparesAnOlderSnapshotByItsState) {
  const HeapSnapshot older{HeapState::test_fixture(), true};
  EXPECT_EQ(Diff(older, SnapshotFixture()), "");
}

}  // namespace
}  // namespace jemalloc_exporter
