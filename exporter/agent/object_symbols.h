#ifndef JEMALLOC_EXPORTER_EXPORTER_AGENT_OBJECT_SYMBOLS_H_
#define JEMALLOC_EXPORTER_EXPORTER_AGENT_OBJECT_SYMBOLS_H_

#include <link.h>

#include <cstddef>

#include "exporter/agent/mallctl_symbols.h"

namespace jemalloc_exporter {

/// Finds the `mallctl` of each jemalloc that a loaded object exports (.dynsym,
/// in memory). `object` is from dl_iterate_phdr(3).
///
/// Writes at most `kMaxHeaps` results to `out`; returns their number. An object
/// whose dynamic section points out of its own segments has none. Makes no
/// system call, allocates nothing, needs libc only.
std::size_t FindMallctlInObject(const dl_phdr_info& object, MallctlSymbol* out);

}  // namespace jemalloc_exporter

#endif  // JEMALLOC_EXPORTER_EXPORTER_AGENT_OBJECT_SYMBOLS_H_
