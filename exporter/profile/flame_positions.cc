#include "exporter/profile/flame_positions.h"

namespace jemalloc_exporter {

FlamePositions::FlamePositions(const HeapProfile& profile) {
  for (const ProfileLocation& location : profile.locations) {
    auto& positions = of_locations_.emplace_back();
    if (location.frames.empty()) {
      positions.push_back({.function = functions_.Number(
                               {.name = LocationName(profile, location),
                                .origin = FrameOrigin::kUnnamed}),
                           .source = sources_.Number({})});
    }
    const FrameOrigin origin =
        location.mapping == 0U ? FrameOrigin::kProgram : FrameOrigin::kLibrary;
    for (std::size_t i = location.frames.size(); i-- > 0;) {
      const ProfileFrame& frame = location.frames[i];
      positions.push_back(
          {.function =
               functions_.Number({.name = frame.function, .origin = origin}),
           .source = sources_.Number({frame.file, frame.line})});
    }
  }
}

}  // namespace jemalloc_exporter
