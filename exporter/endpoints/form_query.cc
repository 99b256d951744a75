#include "exporter/endpoints/form_query.h"

#include <algorithm>
#include <charconv>

namespace jemalloc_exporter {
namespace {

std::string Decode(std::string_view text) {
  std::string decoded;
  while (!text.empty()) {
    std::size_t size = 1;
    char byte = text.front() == '+' ? ' ' : text.front();
    if (byte == '%' && text.size() > 2) {
      unsigned code = 0;
      const char* const digits = text.data() + 1;
      if (std::from_chars(digits, digits + 2, code, 16).ptr == digits + 2) {
        byte = static_cast<char>(code);
        size = 3;
      }
    }
    decoded += byte;
    text.remove_prefix(size);
  }
  return decoded;
}

}  // namespace

std::vector<std::pair<std::string, std::string>> ParseFormQuery(
    std::string_view query) {
  std::vector<std::pair<std::string, std::string>> parameters;
  while (!query.empty()) {
    const std::string_view pair = query.substr(0, query.find('&'));
    query.remove_prefix(std::min(query.size(), pair.size() + 1));
    const std::size_t equals = std::min(pair.find('='), pair.size());
    parameters.emplace_back(
        Decode(pair.substr(0, equals)),
        Decode(pair.substr(std::min(pair.size(), equals + 1))));
  }
  return parameters;
}

std::string Quoted(std::string_view value) {
  constexpr std::size_t kMaxSize = 64;
  std::string quoted = "'";
  for (const char c : value.substr(0, kMaxSize)) {
    quoted += c >= ' ' && c <= '~' ? c : '?';
  }
  return quoted + (value.size() > kMaxSize ? "...'" : "'");
}

}  // namespace jemalloc_exporter
