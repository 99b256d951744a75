#include "exporter/endpoints/memory_charts.h"

#include <algorithm>
#include <cstdint>
#include <numeric>

#include "exporter/text/format_bytes.h"
#include "exporter/text/format_fixed.h"

namespace jemalloc_exporter {
namespace {

// Of the coordinates; the page scales the image.
constexpr double kWidth = 600;
constexpr double kHeight = 100;

double Ratio(std::uint64_t part, std::uint64_t whole) {
  return static_cast<double>(part) / static_cast<double>(whole);
}

std::string Describe(const MemoryBreakdown& memory, std::size_t use) {
  const double percent =
      100 *
      Ratio(memory.bytes.at(use), std::max<std::uint64_t>(memory.total(), 1));
  return std::string(kMemoryUseTexts.at(use).title) + ": " +
         FormatBytes(memory.bytes.at(use)) + " (" + FormatFixed(percent, 0) +
         " %)";
}

std::string SvgStart(double width, double height, const std::string& label) {
  return R"(<svg viewBox="0 0 )" + FormatFixed(width, 0) + " " +
         FormatFixed(height, 0) +
         R"(" preserveAspectRatio="none" role="img" aria-label=")" + label +
         R"(">)";
}

}  // namespace

std::string MemoryBar(const MemoryBreakdown& memory) {
  const double total =
      static_cast<double>(std::max<std::uint64_t>(memory.total(), 1));
  std::string label;
  std::string segments;
  double left = 0;
  for (std::size_t use = 0; use < memory.bytes.size(); ++use) {
    if (memory.bytes.at(use) == 0) continue;
    const std::string description = Describe(memory, use);
    label += (label.empty() ? "" : ", ") + description;
    const double width =
        100 * static_cast<double>(memory.bytes.at(use)) / total;
    segments += R"(<rect class=")" +
                std::string(kMemoryUseTexts.at(use).css_class) + R"(" x=")" +
                FormatFixed(left, 2) + R"(" width=")" + FormatFixed(width, 2) +
                R"(" height="1"><title>)" + description + "</title></rect>";
    left += width;
  }
  return SvgStart(100, 1, label) + segments + "</svg>";
}

std::uint64_t MaxTotal(const std::vector<HeapHistory::Point>& points) {
  std::uint64_t max = 1;
  for (const auto& point : points) max = std::max(max, point.memory.total());
  return max;
}

std::string MemoryPlot(const std::vector<HeapHistory::Point>& points,
                       HeapHistory::Time start, HeapHistory::Time now) {
  if (points.size() < 2 || now <= start) return "";
  const std::uint64_t max = MaxTotal(points);
  const auto x = [&](HeapHistory::Time time) {
    const std::chrono::duration<double> age = time - start;
    return FormatFixed(kWidth * (age / (now - start)), 0);
  };
  // The top edge of the areas up to `use`. Later areas are drawn first, so that
  // each one covers the lower part of the next.
  const auto area = [&](std::size_t use) {
    std::string edge = x(points.front().time) + "," + FormatFixed(kHeight, 0);
    for (const auto& point : points) {
      const auto& bytes = point.memory.bytes;
      const auto sum = std::accumulate(
          bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(use) + 1,
          std::uint64_t{0});
      edge += " " + x(point.time) + "," +
              FormatFixed(kHeight * (1 - Ratio(sum, max)), 0);
    }
    edge += " " + x(points.back().time) + "," + FormatFixed(kHeight, 0);
    return "<polygon class=\"" +
           std::string(kMemoryUseTexts.at(use).css_class) + "\" points=\"" +
           edge + "\"/>";
  };
  std::string areas;
  for (std::size_t use = kMemoryUseTexts.size(); use-- > 0;) {
    const bool is_used = std::any_of(
        points.begin(), points.end(),
        [&](const auto& point) { return point.memory.bytes.at(use) != 0; });
    if (is_used) areas += area(use);
  }
  return SvgStart(kWidth, kHeight,
                  "Memory over time, at most " + FormatBytes(max)) +
         areas + "</svg>";
}

}  // namespace jemalloc_exporter
