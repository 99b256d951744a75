#include "exporter/exposition/metadata.h"

#include <prometheus/metric_type.h>

#include <string_view>

#include "exporter/exposition/escaping.h"

namespace jemalloc_exporter {
namespace {

using prometheus::MetricType;

// The base units of OpenMetrics, "Units and Base Units".
constexpr std::string_view kBaseUnits[] = {"seconds", "bytes",   "joules",
                                           "grams",   "meters",  "ratio",
                                           "volts",   "amperes", "celsius"};

std::string_view TypeName(Format format, const MergedFamily& family) {
  switch (family.type) {
    case MetricType::Counter:
      // In OpenMetrics only names that end in `_total` can be counters.
      if (format == Format::kText || family.open_metrics_name != family.name) {
        return "counter";
      }
      break;
    case MetricType::Gauge:
      return "gauge";
    case MetricType::Summary:
      return "summary";
    case MetricType::Histogram:
      return "histogram";
    case MetricType::Untyped:
      break;
  }
  return format == Format::kText ? "untyped" : "unknown";
}

std::string_view Unit(std::string_view name) {
  for (const std::string_view unit : kBaseUnits) {
    if (!name.ends_with(unit)) continue;
    if (name.substr(0, name.size() - unit.size()).ends_with('_')) return unit;
  }
  return {};
}

// Appends `# KEYWORD name text`, or nothing if `text` is empty.
void AppendLine(std::string& out, std::string_view keyword,
                std::string_view name, std::string_view text) {
  if (text.empty()) return;
  out.append("# ").append(keyword).append(" ");
  out.append(name).append(" ").append(text).append("\n");
}

}  // namespace

void AppendMetadata(std::string& out, Format format,
                    const MergedFamily& family) {
  std::string help;
  AppendHelp(help, format, family.help);
  const std::string_view type = TypeName(format, family);
  if (format == Format::kText) {
    AppendLine(out, "HELP", family.name, help);
    AppendLine(out, "TYPE", family.name, type);
  } else {
    const std::string_view name = family.open_metrics_name;
    AppendLine(out, "TYPE", name, type);
    AppendLine(out, "UNIT", name, Unit(name));
    AppendLine(out, "HELP", name, help);
  }
}

}  // namespace jemalloc_exporter
