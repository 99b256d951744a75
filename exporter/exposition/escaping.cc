#include "exporter/exposition/escaping.h"

#include "collector/text/utf8.h"

namespace jemalloc_exporter {
namespace {

// The special characters are ASCII, so a split there never divides a UTF-8
// sequence.
void AppendEscaped(std::string& out, std::string_view text,
                   std::string_view special) {
  for (;;) {
    const std::size_t end = text.find_first_of(special);
    AppendUtf8(out, text.substr(0, end));
    if (end == std::string_view::npos) return;
    out += '\\';
    out += text[end] == '\n' ? 'n' : text[end];
    text.remove_prefix(end + 1);
  }
}

}  // namespace

void AppendLabelValue(std::string& out, std::string_view value) {
  AppendEscaped(out, value, "\\\n\"");
}

void AppendHelp(std::string& out, Format format, std::string_view help) {
  AppendEscaped(out, help, format == Format::kText ? "\\\n" : "\\\n\"");
}

}  // namespace jemalloc_exporter
