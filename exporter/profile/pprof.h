#ifndef JEMALLOC_EXPORTER_EXPORTER_PROFILE_PPROF_H_
#define JEMALLOC_EXPORTER_EXPORTER_PROFILE_PPROF_H_

#include <string>

#include "exporter/profile/heap_profile.h"

namespace jemalloc_exporter {

/// `profile` as pprof's profile.proto, a gzip file as its format has it. The
/// values are inuse_objects and inuse_space, after alloc_objects and
/// alloc_space if the dump has them. Throws std::bad_alloc.
std::string ToPprof(const HeapProfile& profile);

}  // namespace jemalloc_exporter

#endif  // JEMALLOC_EXPORTER_EXPORTER_PROFILE_PPROF_H_
