#ifndef JEMALLOC_EXPORTER_COLLECTOR_JEMALLOC_MUTEX_NAMES_H_
#define JEMALLOC_EXPORTER_COLLECTOR_JEMALLOC_MUTEX_NAMES_H_

#include <string_view>

namespace jemalloc_exporter {

/// Mutexes of each arena, `stats.arenas.<i>.mutexes.NAME`, besides those of its
/// bins; and mutexes of the process, `stats.mutexes.NAME`. Without those of
/// profiling and of huge page allocation, which exist with an option only.
inline constexpr std::string_view kArenaMutexes[] = {"large",
                                                     "extent_avail",
                                                     "extents_dirty",
                                                     "extents_muzzy",
                                                     "extents_retained",
                                                     "decay_dirty",
                                                     "decay_muzzy",
                                                     "base",
                                                     "tcache_list"};
inline constexpr std::string_view kProcessMutexes[] = {"background_thread",
                                                       "ctl"};

}  // namespace jemalloc_exporter

#endif  // JEMALLOC_EXPORTER_COLLECTOR_JEMALLOC_MUTEX_NAMES_H_
