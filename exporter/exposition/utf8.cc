#include "exporter/exposition/utf8.h"

#include <algorithm>
#include <cstddef>

#include "collector/text/utf8_sequence.h"

namespace jemalloc_exporter {
namespace {

bool IsAscii(char c) { return static_cast<unsigned char>(c) < 0x80; }

}  // namespace

void AppendUtf8(std::string& out, std::string_view text) {
  while (!text.empty()) {
    const auto ascii = static_cast<std::size_t>(
        std::find_if_not(text.begin(), text.end(), IsAscii) - text.begin());
    out += text.substr(0, ascii);
    text.remove_prefix(ascii);
    if (text.empty()) return;
    const auto [size, well_formed] = FirstUtf8Sequence(text);
    out += well_formed ? text.substr(0, size) : kReplacementCharacter;
    text.remove_prefix(size);
  }
}

}  // namespace jemalloc_exporter
