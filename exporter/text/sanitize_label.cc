#include "exporter/text/sanitize_label.h"

#include "collector/text/utf8.h"

namespace jemalloc_exporter {
namespace {

// U+0000 to U+001F, U+007F, and U+0080 to U+009F, which UTF-8 writes C2 80 to
// C2 9F.
bool IsControl(std::string_view character) {
  const char last = character.back();
  if (character.size() == 1) {
    return static_cast<unsigned char>(last) < ' ' || last == 0x7F;
  }
  return character.size() == 2 && character[0] == '\xC2' && last < '\xA0';
}

}  // namespace

std::string SanitizeLabel(std::string_view bytes, std::size_t max_characters) {
  std::string text;
  for (; !bytes.empty() && max_characters > 0; --max_characters) {
    const auto [size, well_formed] = FirstUtf8Sequence(bytes);
    const std::string_view character = bytes.substr(0, size);
    text += well_formed && !IsControl(character) ? character
                                                 : kReplacementCharacter;
    bytes.remove_prefix(size);
  }
  return text;
}

}  // namespace jemalloc_exporter
