#ifndef JEMALLOC_EXPORTER_HEAP_READER_H_
#define JEMALLOC_EXPORTER_HEAP_READER_H_

#include <cstddef>

#include "jemalloc_exporter/heap_state.h"

namespace jemalloc_exporter {

/// jemalloc's control function, mallctl(3), by whatever name a build gives it:
/// `mallctl`, `je_mallctl`, `_rjem_mallctl`.
using Mallctl = int(const char* name, void* oldp, std::size_t* oldlenp,
                    void* newp, std::size_t newlen);

/// The `mallctl` of this process, or null where no library defines one.
///
/// It is a weak reference: this library never links or loads jemalloc for its
/// user. Prefixed and hidden builds cannot be found this way; hand their
/// function to `ReadHeap` or `HeapCollectable` yourself. Thread-safe.
Mallctl* FindMallctl() noexcept;

/// One reading of the heap, and whether it is worth telling anybody.
struct HeapReading {
  /// What jemalloc said, as it said it: an unused jemalloc, too, has its arenas
  /// and a few resident and mapped bytes.
  HeapState state;

  /// False where jemalloc is linked but nothing allocates from it: no byte is
  /// allocated beyond `stats.arenas.4096.internal`, the ones that jemalloc
  /// allocated for itself (the caches of the threads that touched it, this
  /// reader's included). True where jemalloc does not say.
  bool used = true;

  /// The state as it may leave the process: empty where the heap is unused, so
  /// that nobody mistakes jemalloc's own few bytes for the program's heap.
  constexpr HeapState published() const { return used ? state : HeapState{}; }
};

/// Reads the heap: advances `epoch` once, then reads every field.
///
/// A field that cannot be read is absent and costs no other field; without a
/// `mallctl`, or when the epoch cannot be advanced, the state is empty. When
/// another thread refreshes the statistics in between, the fields are read
/// again, a few times at most.
///
/// Never throws, logs or aborts; allocates nothing. Thread-safe, also in a
/// forked child. Callers at the same time share one refresh: who finds one
/// under way waits for it and takes its result, which is then as old as that
/// refresh. Costs what the epoch costs, which takes locks of every arena: some
/// 10 us with one arena, 10 ms with hundreds.
HeapReading ReadHeap(Mallctl* mallctl = FindMallctl()) noexcept;

}  // namespace jemalloc_exporter

#endif  // JEMALLOC_EXPORTER_HEAP_READER_H_
