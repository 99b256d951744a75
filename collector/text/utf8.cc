#include "collector/text/utf8.h"

namespace jemalloc_exporter {
namespace {

struct ByteRange {
  unsigned char first;
  unsigned char last;

  bool Contains(char c) const {
    const auto byte = static_cast<unsigned char>(c);
    return first <= byte && byte <= last;
  }
};

constexpr ByteRange kAscii = {0x00, 0x7F};
constexpr ByteRange kContinuation = {0x80, 0xBF};

// The sequences of more than one byte: Unicode, table 3-7.
struct Row {
  ByteRange lead;
  ByteRange second;
  std::size_t size;
};

constexpr Row kWellFormed[] = {
    {{0xC2, 0xDF}, kContinuation, 2},
    {{0xE0, 0xE0}, {0xA0, 0xBF}, 3},
    {{0xE1, 0xEC}, kContinuation, 3},
    {{0xED, 0xED}, {0x80, 0x9F}, 3},  // Without the surrogates.
    {{0xEE, 0xEF}, kContinuation, 3},
    {{0xF0, 0xF0}, {0x90, 0xBF}, 4},
    {{0xF1, 0xF3}, kContinuation, 4},
    {{0xF4, 0xF4}, {0x80, 0x8F}, 4},
};

}  // namespace

Utf8Sequence FirstUtf8Sequence(std::string_view text) {
  if (kAscii.Contains(text[0])) return {1, true};
  for (const Row& row : kWellFormed) {
    if (!row.lead.Contains(text[0])) continue;
    for (std::size_t i = 1; i < row.size; ++i) {
      const ByteRange& range = i == 1 ? row.second : kContinuation;
      if (i == text.size() || !range.Contains(text[i])) return {i, false};
    }
    return {row.size, true};
  }
  return {1, false};
}

}  // namespace jemalloc_exporter
