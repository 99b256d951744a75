#ifndef JEMALLOC_EXPORTER_EXPORTER_PROFILE_FLAME_POSITIONS_H_
#define JEMALLOC_EXPORTER_EXPORTER_PROFILE_FLAME_POSITIONS_H_

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

#include "exporter/profile/flame_layout.h"
#include "exporter/profile/heap_profile.h"

namespace jemalloc_exporter {

/// A function of a location, and the line in it: numbers of `FlamePositions`.
struct FlamePosition {
  std::uint32_t function = 0;
  std::uint32_t source = 0;
};

/// The functions of all locations of a profile, numbered, so that stacks are
/// compared by numbers. Refers to the profile.
class FlamePositions {
 public:
  struct Function {
    std::string name;
    FrameOrigin origin = FrameOrigin::kUnnamed;

    bool operator<(const Function& other) const {
      return std::tie(name, origin) < std::tie(other.name, other.origin);
    }
  };
  using Source = std::pair<std::string_view, int>;  ///< File and line.

  explicit FlamePositions(const HeapProfile& profile);

  /// Never empty. Functions that are inlined follow those that they are in.
  const std::vector<FlamePosition>& OfLocation(std::size_t index) const {
    return of_locations_[index];
  }
  const Function& function(std::uint32_t number) const {
    return *functions_.values[number];
  }
  const Source& source(std::uint32_t number) const {
    return *sources_.values[number];
  }

 private:
  // Numbers values from 0.
  template <typename Value>
  struct Table {
    std::uint32_t Number(Value value) {
      const auto [found, is_new] = numbers.try_emplace(
          std::move(value), static_cast<std::uint32_t>(values.size()));
      if (is_new) values.push_back(&found->first);
      return found->second;
    }

    std::map<Value, std::uint32_t> numbers;
    std::vector<const Value*> values;  // Keys of `numbers`.
  };

  Table<Function> functions_;
  Table<Source> sources_;
  std::vector<std::vector<FlamePosition>> of_locations_;
};

}  // namespace jemalloc_exporter

#endif  // JEMALLOC_EXPORTER_EXPORTER_PROFILE_FLAME_POSITIONS_H_
