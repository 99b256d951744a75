#include "collector/text/json_writer.h"

#include <algorithm>
#include <charconv>

#include "collector/text/utf8.h"

namespace jemalloc_exporter {
namespace {

char* Copy(std::string_view text, char* out) {
  return std::copy(text.begin(), text.end(), out);
}

char* WriteEscape(char control, char* out) {
  constexpr std::string_view kHexDigits = "0123456789abcdef";
  out = Copy("\\u00", out);
  *out++ = kHexDigits[static_cast<std::size_t>(control >> 4)];
  *out++ = kHexDigits[static_cast<std::size_t>(control & 0xF)];
  return out;
}

// Writes `"key":` behind what separates it from the previous member, if any:
// `begin` is the begin of the object.
char* WriteKey(std::string_view key, const char* begin, char* out) {
  if (out != begin + 1) *out++ = ',';
  return Copy("\":", Copy(key, Copy("\"", out)));
}

template <typename Rows, typename Values>
char* WriteNumbers(const Rows& rows, const Values& values, char* out) {
  const char* const begin = out;
  *out++ = '{';
  for (const auto& row : rows) {
    const auto& value = values.*row.value;
    if (!value) continue;
    constexpr int kMaxDigits = std::numeric_limits<std::uint64_t>::digits10 + 1;
    out = WriteKey(row.key, begin, out);
    out = std::to_chars(out, out + kMaxDigits, *value).ptr;
  }
  return Copy("}", out);
}

}  // namespace

char* WriteHeapJson(const HeapState& state, char* out) {
  return WriteNumbers(kHeapFields, state, out);
}

char* WriteStatisticsJson(const HeapStatistics& statistics, char* out) {
  return WriteNumbers(kHeapStatistics, statistics, out);
}

char* WriteOptionsJson(const HeapOptions& options, char* out) {
  const char* const begin = out;
  *out++ = '{';
  for (std::size_t i = 0; i < kHeapOptionCount; ++i) {
    const HeapOptionValue& value = options.values[i];
    if (value.empty()) continue;
    out = WriteKey(kHeapOptions[i].label, begin, out);
    out = Copy("\"", Copy(value.view(), Copy("\"", out)));
  }
  return Copy("}", out);
}

char* WriteJsonString(std::string_view bytes, char* out) {
  *out++ = '"';
  while (!bytes.empty()) {
    const auto [size, well_formed] = FirstUtf8Sequence(bytes);
    // Not substr(), which needs libstdc++ for its exception.
    const std::string_view character(bytes.data(), size);
    if (!well_formed) {
      out = Copy(kReplacementCharacter, out);
    } else if (size == 1 && static_cast<unsigned char>(bytes[0]) < ' ') {
      out = WriteEscape(bytes[0], out);
    } else {
      if (character == "\"" || character == "\\") *out++ = '\\';
      out = Copy(character, out);
    }
    bytes.remove_prefix(size);
  }
  *out++ = '"';
  return out;
}

}  // namespace jemalloc_exporter
