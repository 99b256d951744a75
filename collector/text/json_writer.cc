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

}  // namespace

char* WriteHeapJson(const HeapState& state, char* out) {
  char* const limit = out + kMaxHeapJsonSize;
  *out++ = '{';
  char* const first = out;
  for (const HeapField& field : kHeapFields) {
    const auto& value = state.*field.value;
    if (!value) continue;
    if (out != first) *out++ = ',';
    *out++ = '"';
    out = Copy(field.key, out);
    *out++ = '"';
    *out++ = ':';
    out = std::to_chars(out, limit, *value).ptr;
  }
  *out++ = '}';
  return out;
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
