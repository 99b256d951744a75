#include "exporter/endpoints/sparkline.h"

#include <algorithm>
#include <cstdint>

#include "exporter/text/byte_units.h"
#include "exporter/text/decimal.h"

namespace jemalloc_exporter {
namespace {

constexpr double kWidth = 200;
constexpr double kHeight = 36;

}  // namespace

std::string Sparkline(const std::vector<HeapHistory::Point>& points,
                      HeapHistory::Time now) {
  if (points.empty()) return "";
  std::uint64_t most = 1;
  for (const auto& point : points) {
    most = std::max({most, point.resident_bytes, point.allocated_bytes});
  }
  const auto x = [&](HeapHistory::Time time) {
    const std::chrono::duration<double> age = now - time;
    return ToDecimal(kWidth * (1 - age / HeapHistory::kSpan), 1);
  };
  const auto y = [&](std::uint64_t bytes) {
    const double share = static_cast<double>(bytes) / static_cast<double>(most);
    return ToDecimal(kHeight * (1 - share), 1);
  };
  std::string allocated;
  std::string resident;
  for (const auto& point : points) {
    allocated += x(point.time) + "," + y(point.allocated_bytes) + " ";
    resident += x(point.time) + "," + y(point.resident_bytes) + " ";
  }
  const std::string bottom = ToDecimal(kHeight, 1);
  return R"(<svg width=")" + ToDecimal(kWidth, 1) + R"(" height=")" + bottom +
         R"(" role="img" aria-label="resident up to )" + ToByteUnits(most) +
         R"("><polygon class="resident" points=")" + x(points.front().time) +
         "," + bottom + " " + resident + x(points.back().time) + "," + bottom +
         R"("/><polyline class="allocated" points=")" + allocated +
         R"("/></svg>)";
}

}  // namespace jemalloc_exporter
