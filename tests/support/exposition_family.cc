#include <algorithm>
#include <limits>
#include <map>
#include <set>
#include <span>
#include <stdexcept>

#include "tests/support/exposition_checker.h"

namespace jemalloc_exporter {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

void Require(bool holds, const std::string& otherwise) {
  if (!holds) throw std::invalid_argument(otherwise);
}

// Samples of one metric: with the same labels, but for `le` or `quantile`.
using Metric = std::span<const ParsedSample>;

// A family's type, and what that means for its samples.
struct Kind {
  std::string_view suffix;       // Of its samples, if they are of one kind.
  std::string_view bound_label;  // Of its buckets or quantiles.
};

const Kind& KindOf(Format format, const std::string& type) {
  static const std::map<std::string, Kind> kText = {
      {"counter", {}},
      {"gauge", {}},
      {"untyped", {}},
      {"summary", {"", "quantile"}},
      {"histogram", {"", "le"}}};
  static const std::map<std::string, Kind> kOpenMetrics = {
      {"counter", {"_total", ""}},
      {"gauge", {}},
      {"unknown", {}},
      {"summary", {"", "quantile"}},
      {"histogram", {"", "le"}}};
  const auto& kinds = format == Format::kText ? kText : kOpenMetrics;
  const auto found = kinds.find(type);
  Require(found != kinds.end(), "no such type: " + type);
  return found->second;
}

class Checker {
 public:
  Checker(Format format, const ParsedFamily& family)
      : format_(format), family_(family), kind_(KindOf(format, family.type)) {}

  void Check() const {
    CheckUnit();
    Require(!family_.samples.empty(), "a family without samples");
    std::set<ParsedLabels> seen;
    for (Metric rest(family_.samples); !rest.empty();) {
      const ParsedLabels labels = LabelsOf(rest.front());
      Require(seen.insert(labels).second, "a metric twice, or in two pieces");
      const auto end = std::find_if(
          rest.begin(), rest.end(),
          [&](const ParsedSample& other) { return LabelsOf(other) != labels; });
      const Metric metric(rest.begin(), end);
      CheckMetric(metric);
      rest = rest.subspan(metric.size());
    }
  }

 private:
  bool InOpenMetrics() const { return format_ == Format::kOpenMetrics; }

  void CheckUnit() const {
    Require(
        family_.unit.empty() || (family_.name.ends_with(family_.unit) &&
                                 family_.name.ends_with("_" + family_.unit)),
        "a unit that the name does not end in");
  }

  bool HasBound(const ParsedSample& sample) const {
    return !kind_.bound_label.empty() && !sample.labels.empty() &&
           sample.labels.back().first == kind_.bound_label;
  }

  // Less the bound, which comes last.
  ParsedLabels LabelsOf(const ParsedSample& sample) const {
    ParsedLabels labels = sample.labels;
    if (HasBound(sample)) labels.pop_back();
    for (auto label = labels.begin(); label != labels.end(); ++label) {
      Require(label->first != kind_.bound_label, "a bound out of place");
      Require(label == labels.begin() || (label - 1)->first < label->first,
              "labels out of order");
    }
    return labels;
  }

  void CheckMetric(Metric metric) const {
    for (const ParsedSample& sample : metric) {
      Require(sample.timestamp == metric.front().timestamp,
              "a metric at two times");
    }
    if (family_.type == "histogram") {
      CheckHistogram(metric);
    } else if (family_.type == "summary") {
      CheckSummary(metric);
    } else {
      CheckSimple(metric);
    }
  }

  void CheckSimple(Metric metric) const {
    Require(metric.size() == 1, "a series twice");
    RequireName(metric.front(), kind_.suffix);
    if (family_.type == "counter") CheckSum(metric.front());
  }

  void CheckSummary(Metric metric) const {
    const Metric quantiles = Bounded(metric, "");
    for (const ParsedSample& sample : quantiles) {
      const double quantile = BoundOf(sample);
      Require(0 <= quantile && quantile <= 1, "no quantile");
      Require(!InOpenMetrics() || !(ReadNumber(sample.value) < 0),
              "the negative value of a quantile");
    }
    CheckSumAndCount(metric.subspan(quantiles.size()));
  }

  void CheckHistogram(Metric metric) const {
    const Metric buckets = Bounded(metric, "_bucket");
    Require(!buckets.empty() && BoundOf(buckets.back()) == kInfinity,
            "no bucket up to +Inf");
    double last = 0;
    for (const ParsedSample& bucket : buckets) {
      const double count = CountOf(bucket);
      Require(last <= count, "counts that fall");
      last = count;
    }
    const Metric rest = metric.subspan(buckets.size());
    CheckSumAndCount(rest);
    if (rest.empty()) return;
    Require(rest.back().value == buckets.back().value,
            "a count that is not that of all");
    Require(!InOpenMetrics() || BoundOf(buckets.front()) >= 0,
            "a sum of what can be negative");
  }

  // The samples that have a bound: those before all others, and ascending.
  Metric Bounded(Metric metric, std::string_view suffix) const {
    const auto end = std::find_if(
        metric.begin(), metric.end(),
        [&](const ParsedSample& sample) { return !HasBound(sample); });
    const Metric bounded(metric.begin(), end);
    for (auto sample = bounded.begin(); sample != bounded.end(); ++sample) {
      RequireName(*sample, suffix);
      Require(sample == bounded.begin() ||
                  BoundOf(*(sample - 1)) < BoundOf(*sample),
              "bounds that do not ascend");
    }
    return bounded;
  }

  void CheckSumAndCount(Metric rest) const {
    if (rest.empty()) return;
    Require(rest.size() == 2, "a sum without its count, or more");
    RequireName(rest[0], "_sum");
    CheckSum(rest[0]);
    RequireName(rest[1], "_count");
    CountOf(rest[1]);
  }

  // In OpenMetrics it counts, and cannot fall.
  void CheckSum(const ParsedSample& sample) const {
    Require(!InOpenMetrics() || ReadNumber(sample.value) >= 0,
            "a sum that is negative or NaN");
  }

  void RequireName(const ParsedSample& sample, std::string_view suffix) const {
    Require(sample.name == family_.name + std::string(suffix),
            "a sample of another name: " + sample.name);
  }

  double BoundOf(const ParsedSample& sample) const {
    return ReadBound(format_, sample.labels.back().second);
  }

  static double CountOf(const ParsedSample& sample) {
    Require(IsCount(sample.value), "no count");
    return ReadNumber(sample.value);
  }

  const Format format_;
  const ParsedFamily& family_;
  const Kind& kind_;
};

}  // namespace

void CheckFamily(Format format, const ParsedFamily& family) {
  Checker(format, family).Check();
}

}  // namespace jemalloc_exporter
