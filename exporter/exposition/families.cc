#include "exporter/exposition/families.h"

#include <prometheus/check_names.h>

#include <algorithm>
#include <cstddef>
#include <unordered_map>
#include <unordered_set>
#include <utility>

#include "exporter/exposition/labels.h"

namespace jemalloc_exporter {
namespace {

using prometheus::ClientMetric;
using prometheus::MetricFamily;
using prometheus::MetricType;

constexpr std::string_view kTotal = "_total";

void AddMetrics(MergedFamily& family,
                const std::vector<ClientMetric>& metrics) {
  for (const ClientMetric& metric : metrics) {
    family.metrics.push_back(
        {LabelSetText(metric.label, family.type), &metric});
  }
}

void DropDuplicates(std::vector<MergedMetric>& metrics) {
  std::unordered_set<std::string> seen;
  seen.reserve(metrics.size());
  std::erase_if(metrics, [&](const MergedMetric& metric) {
    return !seen.insert(metric.labels).second;
  });
}

std::vector<MergedFamily> MergeByName(
    const std::vector<MetricFamily>& families) {
  std::vector<MergedFamily> merged;
  std::unordered_map<std::string_view, std::size_t> positions;
  for (const MetricFamily& family : families) {
    if (family.metric.empty()) continue;
    if (!prometheus::CheckMetricName(family.name)) continue;
    const auto [position, added] =
        positions.emplace(family.name, merged.size());
    if (added) {
      merged.push_back(
          {family.name, family.name, family.help, family.type, {}});
    }
    MergedFamily& first = merged[position->second];
    if (family.type != first.type) continue;
    if (first.help.empty()) first.help = family.help;
    AddMetrics(first, family.metric);
  }
  return merged;
}

std::string CreatedName(std::string_view base) {
  return std::string(base).append("_created");
}

// Sample names of the family, other than its own, that exist or are reserved.
std::vector<std::string> SuffixedNames(const MergedFamily& family) {
  const std::string name(family.name);
  switch (family.type) {
    case MetricType::Histogram:
      return {name + "_bucket", name + "_count", name + "_sum",
              CreatedName(name)};
    case MetricType::Summary:
      return {name + "_count", name + "_sum", CreatedName(name)};
    case MetricType::Counter:
    case MetricType::Gauge:
    case MetricType::Untyped:
      break;
  }
  return {};
}

// A histogram named `_` has samples `__sum` and `__count`: reserved names.
void DropReserved(std::vector<MergedFamily>& families) {
  std::erase_if(families, [](const MergedFamily& family) {
    const std::vector<std::string> names = SuffixedNames(family);
    return std::any_of(names.begin(), names.end(), [](const std::string& name) {
      return name.starts_with("__");
    });
  });
}

void DropClashes(std::vector<MergedFamily>& families) {
  std::unordered_set<std::string> taken;
  for (const MergedFamily& family : families) {
    for (std::string& name : SuffixedNames(family)) {
      taken.insert(std::move(name));
    }
  }
  std::erase_if(families, [&](const MergedFamily& family) {
    return taken.contains(std::string(family.name));
  });
}

// The OpenMetrics name of the family, provided that no other family claims it.
std::string_view BaseName(const MergedFamily& family) {
  std::string_view name = family.name;
  if (family.type == MetricType::Counter && name.size() > kTotal.size() &&
      name.ends_with(kTotal)) {
    name.remove_suffix(kTotal.size());
  }
  return name;
}

void NameForOpenMetrics(std::vector<MergedFamily>& families) {
  std::unordered_multiset<std::string> claims;
  for (const MergedFamily& family : families) {
    claims.emplace(family.name);
    for (std::string& name : SuffixedNames(family)) {
      claims.insert(std::move(name));
    }
    const std::string_view base = BaseName(family);
    if (base == family.name) continue;
    claims.emplace(base);
    claims.insert(CreatedName(base));
  }
  for (MergedFamily& family : families) {
    const std::string_view base = BaseName(family);
    if (claims.count(std::string(base)) == 1 &&
        claims.count(CreatedName(base)) == 1) {
      family.open_metrics_name = base;
    }
  }
}

}  // namespace

std::vector<MergedFamily> MergeFamilies(
    const std::vector<MetricFamily>& families) {
  std::vector<MergedFamily> merged = MergeByName(families);
  for (MergedFamily& family : merged) DropDuplicates(family.metrics);
  DropReserved(merged);
  DropClashes(merged);
  NameForOpenMetrics(merged);
  return merged;
}

}  // namespace jemalloc_exporter
