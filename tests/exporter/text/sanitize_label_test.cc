#include "exporter/text/sanitize_label.h"

#include <gtest/gtest.h>

namespace jemalloc_exporter {
namespace {

TEST(SanitizeLabel, KeepsPrintableText) {
  EXPECT_EQ(SanitizeLabel("", 15), "");
  EXPECT_EQ(SanitizeLabel("redis-server", 15), "redis-server");
  EXPECT_EQ(SanitizeLabel("\" \\ ~ é → 😀 \u00A0", 15), "\" \\ ~ é → 😀 \u00A0");
}

TEST(SanitizeLabel, ReplacesInvalidUtf8) {
  EXPECT_EQ(SanitizeLabel("a\xFF"
                          "b\xC3",
                          15),
            "a�b�");
}

TEST(SanitizeLabel, ReplacesControlCharacters) {
  using std::string_view_literals::operator""sv;
  EXPECT_EQ(SanitizeLabel("\0\t\n\x1B\x1F \x7F\u0080\u009F"sv, 15),
            "����� ���");
}

TEST(SanitizeLabel, TruncatesBetweenCharacters) {
  EXPECT_EQ(SanitizeLabel("éèê", 2), "éè");
  EXPECT_EQ(SanitizeLabel("\xFF\xFF\xFF", 2), "��");
}

}  // namespace
}  // namespace jemalloc_exporter
