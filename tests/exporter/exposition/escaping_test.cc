#include "exporter/exposition/escaping.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>

namespace jemalloc_exporter {
namespace {

using namespace std::string_literals;

std::string LabelValue(std::string_view value) {
  std::string out;
  AppendLabelValue(out, value);
  return out;
}

std::string Help(Format format, std::string_view help) {
  std::string out;
  AppendHelp(out, format, help);
  return out;
}

TEST(LabelValue, EscapesBackslashNewlineAndQuote) {
  EXPECT_EQ(LabelValue("a\\b\nc\"d"), R"(a\\b\nc\"d)");
  EXPECT_EQ(LabelValue("\\n"), R"(\\n)");
  EXPECT_EQ(LabelValue("\"\""), R"(\"\")");
}

TEST(LabelValue, KeepsEverythingElse) {
  for (const std::string& value :
       {""s, "x"s, "{a=b,c}"s, "a\rb\tc"s, "a\0b"s, " é→😀 "s}) {
    EXPECT_EQ(LabelValue(value), value);
  }
}

TEST(LabelValue, IsValidUtf8AroundTheEscapes) {
  EXPECT_EQ(LabelValue("\xFF\n\xE2\x86\""), "\uFFFD\\n\uFFFD\\\"");
}

TEST(Help, EscapesQuotesInOpenMetricsOnly) {
  EXPECT_EQ(Help(Format::kOpenMetrics, "a\\b\nc\"d"), R"(a\\b\nc\"d)");
  EXPECT_EQ(Help(Format::kText, "a\\b\nc\"d"), R"(a\\b\nc"d)");
}

TEST(Help, IsValidUtf8) {
  EXPECT_EQ(Help(Format::kOpenMetrics, "\xC3"), "\uFFFD");
  EXPECT_EQ(Help(Format::kText, "\xC3"), "\uFFFD");
}

}  // namespace
}  // namespace jemalloc_exporter
