#include "collector/text/valid_utf8.h"

#include <gtest/gtest.h>

#include <string>

namespace jemalloc_exporter {
namespace {

TEST(ValidUtf8, IsWhatItWasWhereItWasValid) {
  using std::string_literals::operator""s;
  const std::string text = "a\"\\\n\t\0\x7f é → 😀"s;
  EXPECT_EQ(ValidUtf8(text), text);
  EXPECT_EQ(ValidUtf8(""), "");
}

TEST(ValidUtf8, HasAReplacementForWhatIsNot) {
  EXPECT_EQ(ValidUtf8("a\xffz"), "a\ufffdz");
  EXPECT_EQ(ValidUtf8("cut \xe2\x86"), "cut \ufffd");
}

}  // namespace
}  // namespace jemalloc_exporter
