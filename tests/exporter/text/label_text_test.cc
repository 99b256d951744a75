#include "exporter/text/label_text.h"

#include <gtest/gtest.h>

namespace jemalloc_exporter {
namespace {

TEST(LabelText, KeepsText) {
  EXPECT_EQ(LabelText("", 15), "");
  EXPECT_EQ(LabelText("redis-server", 15), "redis-server");
  EXPECT_EQ(LabelText("\" \\ ~ é → 😀 \u00A0", 15), "\" \\ ~ é → 😀 \u00A0");
}

TEST(LabelText, ReplacesWhatIsNotUtf8) {
  EXPECT_EQ(LabelText("a\xFF"
                      "b\xC3",
                      15),
            "a�b�");
}

TEST(LabelText, ReplacesControlCharacters) {
  using std::string_view_literals::operator""sv;
  EXPECT_EQ(LabelText("\0\t\n\x1B\x1F \x7F\u0080\u009F"sv, 15), "����� ���");
}

TEST(LabelText, CutsBetweenCharacters) {
  EXPECT_EQ(LabelText("éèê", 2), "éè");
  EXPECT_EQ(LabelText("\xFF\xFF\xFF", 2), "��");
}

}  // namespace
}  // namespace jemalloc_exporter
