#ifndef JEMALLOC_EXPORTER_EXPORTER_PROFILE_FLAME_LAYOUT_H_
#define JEMALLOC_EXPORTER_EXPORTER_PROFILE_FLAME_LAYOUT_H_

#include <cstddef>
#include <string>
#include <vector>

#include "exporter/profile/heap_profile.h"

namespace jemalloc_exporter {

/// The file that the code of a frame is in.
enum class FrameOrigin {
  kProgram,  ///< The executable.
  kLibrary,  ///< Another mapped file.
  kUnnamed,  ///< A location without symbols.
  kMerged,   ///< Several frames, each too narrow to be drawn.
  kTotal,    ///< All stacks.
};

/// A position in the source of a function, from which it called or allocated.
struct FrameSource {
  std::string file;
  int line = 0;
  double bytes = 0;
};

/// Estimated from samples, see `HeapValues`.
struct FrameValues {
  double bytes = 0;
  double objects = 0;
  double variance = 0;  ///< Of `bytes`: the square of its standard error.
};

/// A rectangle: a function below its caller, as wide as what was allocated in
/// it and in the functions that it called.
struct FlameFrame {
  double left = 0;  ///< From 0 to 1.
  double width = 0;
  std::size_t depth = 0;  ///< 0 at the outer end of the stacks.
  FrameOrigin origin = FrameOrigin::kTotal;
  /// The function's name. Empty for `kTotal` and `kMerged`.
  std::string name;
  /// At most `kMaxSources`, the most bytes first.
  std::vector<FrameSource> sources;
  FrameValues values;      ///< Negative bytes shrank.
  std::size_t merged = 0;  ///< Number of frames of `kMerged`.
};

struct FlameLayout {
  /// By depth, then from the left. Empty if no stack has bytes.
  std::vector<FlameFrame> frames;
  FrameValues growth;     ///< Sum of the stacks with positive bytes.
  FrameValues shrinkage;  ///< Sum of the others.
  /// Narrower frames are merged with their siblings, or omitted.
  double min_width = 0;
  std::size_t narrow_frames = 0;  ///< Number of those, without their callees.
  bool is_cut = false;            ///< Stacks are deeper than `kMaxFlameDepth`.
};

inline constexpr std::size_t kMaxSources = 3;
/// Frames of a layout: its document is less than 32 MiB.
inline constexpr std::size_t kMaxFlameFrames = 10'000;
/// Depth of a layout. jemalloc writes at most 128 addresses for a stack, each
/// of which can have several inlined functions.
inline constexpr std::size_t kMaxFlameDepth = 512;

/// Lays out bytes in use. Siblings are in the order of their bytes, the most
/// first. In a difference, the stacks that grew are one half and those that
/// shrank are the other, on one scale. Memory: some 16 bytes for each stack and
/// 8 for each function of a location.
FlameLayout LayOutFlames(const HeapProfile& profile);

}  // namespace jemalloc_exporter

#endif  // JEMALLOC_EXPORTER_EXPORTER_PROFILE_FLAME_LAYOUT_H_
