#include "exporter/agent/answer_writer.h"

#include <algorithm>
#include <charconv>
#include <limits>

#include "collector/text/utf8_sequence.h"

namespace jemalloc_exporter {
namespace {

char* Copy(std::string_view text, char* out) {
  return std::copy(text.begin(), text.end(), out);
}

// Not substr(), which would need libstdc++ for its exception.
std::string_view Start(std::string_view text, std::size_t size) {
  return {text.data(), std::min(text.size(), size)};
}

char* WriteKey(std::string_view key, char* out) {
  return Copy("\":", Copy(key, Copy("\"", out)));
}

char* WriteNumber(int value, char* out) {
  return std::to_chars(out, out + std::numeric_limits<int>::digits10 + 2, value)
      .ptr;
}

char* WriteEscape(char control, char* out) {
  constexpr std::string_view kHexDigits = "0123456789abcdef";
  out = Copy("\\u00", out);
  *out++ = kHexDigits[static_cast<std::size_t>(control >> 4)];
  *out++ = kHexDigits[static_cast<std::size_t>(control & 0xF)];
  return out;
}

char* WriteString(std::string_view bytes, char* out) {
  *out++ = '"';
  while (!bytes.empty()) {
    const auto [size, well_formed] = FirstUtf8Sequence(bytes);
    const std::string_view character = Start(bytes, size);
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

}  // namespace

char* WriteAnswer(const Answer& answer, char* out) {
  out = WriteNumber(kAgentVersion, WriteKey(kAgentKey, Copy("{", out)));
  out = WriteNumber(answer.pid, WriteKey(kPidKey, Copy(",", out)));
  out = WriteString(Start(answer.comm, kMaxCommSize),
                    WriteKey(kCommKey, Copy(",", out)));
  out = WriteString(Start(answer.jemalloc_version, kMaxJemallocVersionSize),
                    WriteKey(kJemallocVersionKey, Copy(",", out)));
  out = WriteString(answer.heap.used ? kUsed : kUnused,
                    WriteKey(kStateKey, Copy(",", out)));
  out = WriteHeapJson(answer.heap.published(),
                      WriteKey(kHeapStateKey, Copy(",", out)));
  return Copy("}", out);
}

}  // namespace jemalloc_exporter
