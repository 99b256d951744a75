#ifndef JEMALLOC_EXPORTER_EXPORTER_PROFILE_FLAME_GRAPH_H_
#define JEMALLOC_EXPORTER_EXPORTER_PROFILE_FLAME_GRAPH_H_

#include <string>
#include <string_view>

#include "exporter/profile/heap_profile.h"

namespace jemalloc_exporter {

/// Where a flame graph is read.
enum class FlameGraphUse {
  kFile,
  kServed,  ///< At /debug/pprof/heap: it links to other profiles there.
};

/// An HTML document with a flame graph as SVG: without JavaScript, and without
/// anything from elsewhere. It is for any width of a window.
///
/// The outermost functions are at the top. The title of each frame, which a
/// browser shows for the pointer, has the function, its lines, and its bytes
/// with their standard error. A profile with a duration is a difference: what
/// grew and what shrank are apart, in colours of their own. A profile without
/// bytes has an explanation instead. At most `kMaxFlameFrames` are drawn, names
/// of 500 characters. Names are untrusted.
std::string ToFlameGraph(const HeapProfile& profile,
                         FlameGraphUse use = FlameGraphUse::kFile);

}  // namespace jemalloc_exporter

#endif  // JEMALLOC_EXPORTER_EXPORTER_PROFILE_FLAME_GRAPH_H_
