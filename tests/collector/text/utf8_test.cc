#include "collector/text/utf8.h"

#include <gtest/gtest.h>

#include <string>
#include <string_view>

namespace jemalloc_exporter {
namespace {

using namespace std::string_literals;

TEST(Utf8, IsAppended) {
  std::string out = "x";
  AppendUtf8(out, "y");
  EXPECT_EQ(out, "xy");
}

TEST(Utf8, KeepsWellFormedSequences) {
  for (const std::string& text :
       {""s, "redis-server"s, "a\0b\x7F"s, "é"s, "→"s, "😀"s,
        // The first and the last of each length, and around the surrogates.
        "\u0080\u07FF\u0800\uFFFF\U00010000\U0010FFFF"s, "\uD7FF\uE000"s}) {
    EXPECT_EQ(SanitizeUtf8(text), text);
  }
}

TEST(Utf8, ReplacesInvalidBytes) {
  EXPECT_EQ(SanitizeUtf8("a\xFF"
                         "b"),
            "a\uFFFD"
            "b");
  EXPECT_EQ(SanitizeUtf8("\xC0\x80"), "\uFFFD\uFFFD");  // An overlong NUL.
  EXPECT_EQ(SanitizeUtf8("\xF5\x80\x80\x80"), "\uFFFD\uFFFD\uFFFD\uFFFD");
}

TEST(Utf8, ReplacesLoneContinuationBytes) {
  EXPECT_EQ(SanitizeUtf8("\x80"), "\uFFFD");
  EXPECT_EQ(SanitizeUtf8("é\xBF"), "é\uFFFD");
}

TEST(Utf8, ReplacesOverlongFormsSurrogatesAndCodePointsAbove10FFFF) {
  EXPECT_EQ(SanitizeUtf8("\xE0\x9F\xBF"), "\uFFFD\uFFFD\uFFFD");
  EXPECT_EQ(SanitizeUtf8("\xED\xA0\x80"), "\uFFFD\uFFFD\uFFFD");
  EXPECT_EQ(SanitizeUtf8("\xF0\x8F\xBF\xBF"), "\uFFFD\uFFFD\uFFFD\uFFFD");
  EXPECT_EQ(SanitizeUtf8("\xF4\x90\x80\x80"), "\uFFFD\uFFFD\uFFFD\uFFFD");
}

TEST(Utf8, ReplacesATruncatedSequenceOnce) {
  EXPECT_EQ(SanitizeUtf8("\xE2\x86"), "\uFFFD");
  EXPECT_EQ(SanitizeUtf8("\xF0\x9F\x98"), "\uFFFD");
  EXPECT_EQ(SanitizeUtf8("\xF0\x9F\x98x"), "\uFFFDx");
  EXPECT_EQ(SanitizeUtf8("\xE2\x86→"), "\uFFFD→");
}

TEST(Utf8, DoesNotReadPastTheEnd) {
  constexpr std::string_view kArrow = "→";
  EXPECT_EQ(SanitizeUtf8(kArrow.substr(0, 2)), "\uFFFD");
}

// The example of Unicode, section 3.9, table 3-11.
TEST(Utf8, ReplacesMaximalSubparts) {
  EXPECT_EQ(SanitizeUtf8("\xE1\x80\xE2\xF0\x91\x92\xF1\xBF\x41"),
            "\uFFFD\uFFFD\uFFFD\uFFFD\x41");
}

}  // namespace
}  // namespace jemalloc_exporter
