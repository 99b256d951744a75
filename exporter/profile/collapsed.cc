#include "exporter/profile/collapsed.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <map>
#include <string_view>

namespace jemalloc_exporter {
namespace {

// A semicolon separates names.
void AppendName(std::string_view name, std::string& line) {
  if (!line.empty()) line += ';';
  const std::size_t start = line.size();
  line += name;
  std::replace(line.begin() + static_cast<std::ptrdiff_t>(start), line.end(),
               ';', ':');
}

}  // namespace

std::string ToCollapsed(const HeapProfile& profile) {
  std::map<std::string, double> stacks;
  for (const ProfileSample& sample : profile.samples) {
    std::string line;
    for (std::size_t i = sample.locations.size(); i-- > 0;) {
      const ProfileLocation& location = profile.locations[sample.locations[i]];
      if (location.frames.empty()) {
        AppendName(LocationName(profile, location), line);
      }
      for (std::size_t k = location.frames.size(); k-- > 0;) {
        AppendName(location.frames[k].function, line);
      }
    }
    stacks[line] += sample.values.inuse_bytes;
  }
  std::string text;
  for (const auto& [stack, bytes] : stacks) {
    constexpr double kMaxBytes = 9e18;  // Of a hostile dump.
    if (bytes < 0.5) continue;
    text += stack + ' ' +
            std::to_string(std::llround(std::min(bytes, kMaxBytes))) + '\n';
  }
  return text;
}

}  // namespace jemalloc_exporter
