// A mallctl as a jemalloc built without statistics has it: no `stats` but the
// pages, and keys that end the process when they are read. The siblings are for
// the agent to find.

#include <cerrno>
#include <cstddef>
#include <cstdlib>
#include <string_view>

// NOLINTBEGIN(bugprone-reserved-identifier): the crate's prefix.
extern "C" {
int _rjem_mallctl(const char*, void*, std::size_t*, void*, std::size_t);

int no_statistics_mallctl(const char* name, void* oldp, std::size_t* oldlenp,
                          void* newp, std::size_t newlen) {
  const std::string_view key = name;
  if (key.ends_with("uptime") || key == "background_thread") std::abort();
  const bool is_present =
      key.ends_with(".pactive") || key.ends_with(".pdirty") ||
      key.ends_with(".pmuzzy") || key.ends_with(".nthreads");
  if (key.starts_with("stats.") && !is_present) return ENOENT;
  return _rjem_mallctl(name, oldp, oldlenp, newp, newlen);
}

int no_statistics_mallctlnametomib(const char*, std::size_t*, std::size_t*) {
  return ENOENT;
}

int no_statistics_mallctlbymib(const std::size_t*, std::size_t, void*,
                               std::size_t*, void*, std::size_t) {
  return ENOENT;
}
}
// NOLINTEND(bugprone-reserved-identifier)
