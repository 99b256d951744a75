#include "exporter/exposition/labels.h"

#include <prometheus/check_names.h>

#include <algorithm>

#include "exporter/exposition/escaping.h"

namespace jemalloc_exporter {
namespace {

using prometheus::ClientMetric;
using prometheus::MetricType;

bool IsLegal(const ClientMetric::Label& label, MetricType type) {
  if (label.value.empty()) return false;
  if (type == MetricType::Histogram && label.name == "le") return false;
  if (type == MetricType::Summary && label.name == "quantile") return false;
  return prometheus::CheckLabelName(label.name);
}

}  // namespace

std::string LabelSetText(const std::vector<ClientMetric::Label>& labels,
                         MetricType type) {
  std::vector<const ClientMetric::Label*> legal;
  legal.reserve(labels.size());
  for (const ClientMetric::Label& label : labels) {
    if (IsLegal(label, type)) legal.push_back(&label);
  }
  std::ranges::stable_sort(legal, {}, &ClientMetric::Label::name);
  legal.erase(std::unique(legal.begin(), legal.end(),
                          [](const auto* a, const auto* b) {
                            return a->name == b->name;
                          }),
              legal.end());

  std::string text;
  for (const ClientMetric::Label* label : legal) {
    if (!text.empty()) text += ',';
    text.append(label->name).append("=\"");
    AppendLabelValue(text, label->value);
    text += '"';
  }
  return text;
}

}  // namespace jemalloc_exporter
