#include "collector/text/json_sax.h"

#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <vector>

namespace jemalloc_exporter {
namespace {

using Strings = std::vector<std::string>;

// The path and the type of each event, as an error has them.
Strings EventsOf(std::string_view json) {
  Strings events;
  std::string error;
  EXPECT_TRUE(ParseJson(
      json,
      [&](const JsonEvent& event) {
        events.push_back(TypeMismatch(event, "x"));
        return true;
      },
      &error))
      << error;
  return events;
}

TEST(JsonSax, ReportsObjectsAndArraysBeforeTheirContent) {
  EXPECT_EQ(EventsOf(R"({"a":[1,{"b":[[],null]}],"c":true})"),
            (Strings{
                "expected x, found object",
                "a: expected x, found array",
                "a[0]: expected x, found 1",
                "a[1]: expected x, found object",
                "a[1].b: expected x, found array",
                "a[1].b[0]: expected x, found array",
                "a[1].b[1]: expected x, found null",
                "c: expected x, found boolean",
            }));
}

TEST(JsonSax, HasNumbersInEachTypeThatFits) {
  std::vector<JsonEvent> events;
  std::string error;
  const auto on_event = [&](const JsonEvent& event) {
    events.push_back(event);
    return true;
  };
  ASSERT_TRUE(ParseJson("[9223372036854775808, -1, 0.5, 7]", on_event, &error));
  ASSERT_EQ(events.size(), 5U);
  EXPECT_EQ(events[1].unsigned_integer, 9223372036854775808U);
  EXPECT_EQ(events[1].signed_integer, std::nullopt);
  EXPECT_EQ(events[2].unsigned_integer, std::nullopt);
  EXPECT_EQ(events[2].signed_integer, -1);
  EXPECT_EQ(events[3].signed_integer, std::nullopt);
  EXPECT_EQ(events[3].number, 0.5);
  EXPECT_EQ(events[4].unsigned_integer, 7U);
  EXPECT_EQ(events[4].signed_integer, 7);
  EXPECT_EQ(events[4].number, 7);
}

TEST(JsonSax, StopsWhenTheCallbackReturnsFalse) {
  int events = 0;
  std::string error;
  EXPECT_FALSE(ParseJson(
      "[1,2,3]", [&](const JsonEvent&) { return ++events < 2; }, &error));
  EXPECT_EQ(events, 2);
  EXPECT_EQ(error, "");
}

TEST(JsonSax, ReturnsWhereTheSyntaxIsWrong) {
  std::string error;
  EXPECT_FALSE(ParseJson(
      "[1,", [](const JsonEvent&) { return true; }, &error));
  EXPECT_EQ(error.substr(0, 18), "line 1, column 4: ");
}

}  // namespace
}  // namespace jemalloc_exporter
