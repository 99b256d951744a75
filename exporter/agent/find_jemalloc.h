#ifndef JEMALLOC_EXPORTER_EXPORTER_AGENT_FIND_JEMALLOC_H_
#define JEMALLOC_EXPORTER_EXPORTER_AGENT_FIND_JEMALLOC_H_

#include <cstddef>
#include <string_view>

#include "exporter/agent/mallctl_symbols.h"
#include "jemalloc_exporter/heap_reader.h"

namespace jemalloc_exporter {

/// A jemalloc of this process.
struct Jemalloc {
  MallctlPrefix prefix;
  Mallctl* mallctl = nullptr;
};

/// The jemallocs of this process, at most `kMaxHeaps`. No two have the same
/// prefix or the same function.
class Jemallocs {
 public:
  /// Whether one has this prefix or this function.
  bool Contains(const MallctlPrefix& prefix, Mallctl* mallctl) const;

  /// Adds a jemalloc unless it is null or contained, or there is no room.
  void Add(const MallctlPrefix& prefix, Mallctl* mallctl);

  /// The one with this prefix; null if no jemalloc has it.
  Mallctl* Find(std::string_view prefix) const;

  bool empty() const { return count_ == 0; }
  std::size_t size() const { return count_; }
  const Jemalloc* begin() const { return jemallocs_; }
  const Jemalloc* end() const { return jemallocs_ + count_; }

 private:
  Jemalloc jemallocs_[kMaxHeaps];
  std::size_t count_ = 0;
};

/// Finds the jemallocs of this process: by name, where the dynamic linker has
/// resolved it; in .dynsym of all loaded objects; and in .symtab of the main
/// program's file. Those found in tables must return their `version`, which
/// initialises them.
///
/// The system calls are those by which the dynamic linker loads a library:
/// openat(2), pread(2) and close(2). Allocates nothing, needs libc only, not
/// dlsym(3), which allocates for a name that is absent. Not thread-safe: to be
/// called while the agent is loaded.
Jemallocs FindJemallocs();

}  // namespace jemalloc_exporter

#endif  // JEMALLOC_EXPORTER_EXPORTER_AGENT_FIND_JEMALLOC_H_
