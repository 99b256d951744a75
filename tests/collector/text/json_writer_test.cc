#include "collector/text/json_writer.h"

#include <gtest/gtest.h>

#include <string>

#include "collector/text/json_sax.h"
#include "collector/text/utf8.h"

namespace jemalloc_exporter {
namespace {

std::string JsonString(std::string_view bytes) {
  std::string json;
  AppendJsonString(bytes, json);
  return json;
}

std::string AllBytes() {
  std::string bytes;
  for (int byte = 0; byte < 256; ++byte) bytes += static_cast<char>(byte);
  return bytes;
}

TEST(JsonString, EscapesQuotesBackslashesAndControlCharacters) {
  EXPECT_EQ(JsonString("a\"b\\c\n\x1f"), R"("a\"b\\c\u000a\u001f")");
}

TEST(JsonString, IsAppended) {
  std::string json = "{";
  AppendJsonString("", json);
  AppendJsonString("a", json);
  EXPECT_EQ(json, R"({"""a")");
}

TEST(JsonString, FitsItsMaximumSize) {
  EXPECT_EQ(JsonString(std::string(9, '\x1f')).size(), MaxJsonStringSize(9));
  EXPECT_LE(JsonString(std::string(9, '\xff')).size(), MaxJsonStringSize(9));
}

TEST(JsonString, IsParsedAsTheSanitizedBytes) {
  std::string parsed;
  std::string error;
  ASSERT_TRUE(ParseJson(
      JsonString(AllBytes()),
      [&](const JsonEvent& event) {
        parsed = event.text.value_or("");
        return true;
      },
      &error))
      << error;
  EXPECT_EQ(parsed, SanitizeUtf8(AllBytes()));
}

}  // namespace
}  // namespace jemalloc_exporter
