#ifndef JEMALLOC_EXPORTER_EXPORTER_TEXT_HTML_H_
#define JEMALLOC_EXPORTER_EXPORTER_TEXT_HTML_H_

#include <string>
#include <string_view>

namespace jemalloc_exporter {

/// `text` for an HTML element or a double-quoted attribute.
inline std::string EscapeHtml(std::string_view text) {
  std::string escaped;
  for (const char c : text) {
    switch (c) {
      case '&':
        escaped += "&amp;";
        break;
      case '<':
        escaped += "&lt;";
        break;
      case '>':
        escaped += "&gt;";
        break;
      case '"':
        escaped += "&quot;";
        break;
      default:
        escaped += c;
    }
  }
  return escaped;
}

}  // namespace jemalloc_exporter

#endif  // JEMALLOC_EXPORTER_EXPORTER_TEXT_HTML_H_
