#include "exporter/endpoints/collectors.h"

#include <algorithm>
#include <charconv>
#include <iterator>
#include <utility>
#include <vector>

namespace jemalloc_exporter {
namespace {

constexpr std::string_view kCollect = "collect[]";
constexpr std::string_view kExclude = "exclude[]";

// Of application/x-www-form-urlencoded; invalid sequences are kept.
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

// A name in a message: one line, of bounded length.
std::string Quoted(std::string_view name) {
  constexpr std::size_t kMaxSize = 64;
  std::string quoted = "'";
  for (const char c : name.substr(0, kMaxSize)) {
    quoted += c >= ' ' && c <= '~' ? c : '?';
  }
  return quoted + (name.size() > kMaxSize ? "...'" : "'");
}

// The names given to each parameter.
struct Names {
  std::vector<std::string> collect;
  std::vector<std::string> exclude;
};

Names ParseQuery(std::string_view query) {
  Names names;
  while (!query.empty()) {
    const std::string_view pair = query.substr(0, query.find('&'));
    query.remove_prefix(std::min(query.size(), pair.size() + 1));
    const std::size_t equals = std::min(pair.find('='), pair.size());
    const std::string key = Decode(pair.substr(0, equals));
    std::string value = Decode(pair.substr(std::min(pair.size(), equals + 1)));
    if (key == kCollect) {
      names.collect.push_back(std::move(value));
    } else if (key == kExclude) {
      names.exclude.push_back(std::move(value));
    }
  }
  return names;
}

// Null for an unknown name.
const CollectorName* Find(const std::string& name) {
  const auto* const found =
      std::find_if(std::begin(kCollectorNames), std::end(kCollectorNames),
                   [&](const CollectorName& row) { return row.name == name; });
  return found == std::end(kCollectorNames) ? nullptr : found;
}

}  // namespace

CollectorSet SelectCollectors(std::string_view query,
                              const CollectorSet& enabled, std::string* error) {
  const Names names = ParseQuery(query);
  CollectorSet selected;
  for (const CollectorName& row : kCollectorNames) {
    selected.*row.member = names.collect.empty() && enabled.*row.member;
  }
  if (!names.collect.empty() && !names.exclude.empty()) {
    *error = "collect[] and exclude[] cannot be combined";
    return selected;
  }
  const bool is_collect = !names.collect.empty();
  for (const std::string& name : is_collect ? names.collect : names.exclude) {
    const CollectorName* const row = Find(name);
    if (row == nullptr) {
      *error = "unknown collector " + Quoted(name);
      return selected;
    }
    if (!(enabled.*row->member)) {
      *error = "collector " + Quoted(name) + " is disabled";
      return selected;
    }
    selected.*row->member = is_collect;
  }
  return selected;
}

}  // namespace jemalloc_exporter
