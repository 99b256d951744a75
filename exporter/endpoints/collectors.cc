#include "exporter/endpoints/collectors.h"

#include <algorithm>
#include <iterator>
#include <utility>
#include <vector>

#include "exporter/endpoints/form_query.h"

namespace jemalloc_exporter {
namespace {

constexpr std::string_view kCollect = "collect[]";
constexpr std::string_view kExclude = "exclude[]";

// The names given to each parameter.
struct Names {
  std::vector<std::string> collect;
  std::vector<std::string> exclude;
};

Names ParseQuery(std::string_view query) {
  Names names;
  for (auto& [key, value] : ParseFormQuery(query)) {
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
