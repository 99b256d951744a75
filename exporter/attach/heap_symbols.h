#ifndef JEMALLOC_EXPORTER_EXPORTER_ATTACH_HEAP_SYMBOLS_H_
#define JEMALLOC_EXPORTER_EXPORTER_ATTACH_HEAP_SYMBOLS_H_

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <vector>

#include "exporter/attach/loaded_object.h"

namespace jemalloc_exporter {

/// A jemalloc in another process.
struct RemoteHeap {
  std::uint64_t mallctl = 0;  ///< The address of its mallctl(3).
  std::string prefix;         ///< "je_" of `je_mallctl`.
  std::string library;        ///< The path of its object; empty: the program.
};

/// Finds the jemallocs of a process by their symbols: first in the dynamic
/// symbol tables of all objects, then in the full tables. See
/// `FindMallctlInFile` for the symbols that are accepted.
std::vector<RemoteHeap> FindHeaps(const std::vector<LoadedObject>& objects);

/// Why `FindHeaps` found none in a process.
std::string DescribeMissingHeap(const TargetProcess& target);

}  // namespace jemalloc_exporter

#endif  // JEMALLOC_EXPORTER_EXPORTER_ATTACH_HEAP_SYMBOLS_H_
