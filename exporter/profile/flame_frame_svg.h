#ifndef JEMALLOC_EXPORTER_EXPORTER_PROFILE_FLAME_FRAME_SVG_H_
#define JEMALLOC_EXPORTER_EXPORTER_PROFILE_FLAME_FRAME_SVG_H_

#include <string>
#include <string_view>

#include "exporter/profile/flame_layout.h"

namespace jemalloc_exporter {

/// What the frames of a document have in common.
struct FlameFrameStyle {
  std::string program;     ///< Name of the outermost frame.
  double total_bytes = 0;  ///< Of the whole width.
  bool is_difference = false;
};

/// Height of a frame in pixels.
inline constexpr int kFlameFrameHeight = 20;

/// `17.0 MiB`; in a difference with the sign, `+17.0 MiB`. The number is an
/// estimate of a hostile dump, of any size.
std::string FormatEstimate(double bytes, bool is_difference);

/// `1 object`, `17 objects`: the nearest integer to an estimate.
std::string FormatCount(double count, std::string_view noun);

/// The SVG element of a frame, with its title.
std::string FlameFrameSvg(const FlameFrame& frame,
                          const FlameFrameStyle& style);

}  // namespace jemalloc_exporter

#endif  // JEMALLOC_EXPORTER_EXPORTER_PROFILE_FLAME_FRAME_SVG_H_
