#ifndef JEMALLOC_EXPORTER_COLLECTOR_JEMALLOC_MALLCTL_NAMES_H_
#define JEMALLOC_EXPORTER_COLLECTOR_JEMALLOC_MALLCTL_NAMES_H_

#include <array>
#include <string_view>

#include "jemalloc_exporter/heap_reader.h"

namespace jemalloc_exporter {

/// A jemalloc's control function, and what `configure --with-jemalloc-prefix`
/// put before its name.
struct NamedMallctl {
  std::string_view prefix;
  Mallctl* function = nullptr;
};

/// The names that builds use by default: without prefix, jemalloc's own where
/// the system has another malloc, and that of the Rust crate tikv-jemalloc-sys.
/// A function is null where no loaded object exports the name. They are weak
/// references, resolved by the dynamic linker. Needs libc only.
std::array<NamedMallctl, 3> ReferencedMallctls() noexcept;

}  // namespace jemalloc_exporter

#endif  // JEMALLOC_EXPORTER_COLLECTOR_JEMALLOC_MALLCTL_NAMES_H_
