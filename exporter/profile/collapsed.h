#ifndef JEMALLOC_EXPORTER_EXPORTER_PROFILE_COLLAPSED_H_
#define JEMALLOC_EXPORTER_EXPORTER_PROFILE_COLLAPSED_H_

#include <string>

#include "exporter/profile/heap_profile.h"

namespace jemalloc_exporter {

/// A line for each stack with its bytes in use, `main;Handle;Parse 4096`: the
/// input of flamegraph.pl and others. Stacks with the same names are one line.
/// Those without a positive value are omitted: in a difference, what shrank.
std::string ToCollapsed(const HeapProfile& profile);

}  // namespace jemalloc_exporter

#endif  // JEMALLOC_EXPORTER_EXPORTER_PROFILE_COLLAPSED_H_
