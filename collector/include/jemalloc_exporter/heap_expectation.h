#ifndef JEMALLOC_EXPORTER_HEAP_EXPECTATION_H_
#define JEMALLOC_EXPORTER_HEAP_EXPECTATION_H_

#include <cstdint>
#include <optional>

#include "jemalloc_exporter/thread_allocation_counters.h"

/// Expects that the thread frees as many bytes as it allocates in the block
/// that follows, up to a difference of `tolerance_bytes`; a failure is not
/// fatal:
///
///     EXPECT_HEAP_STABLE(0) { cache.Put("key", "value"); cache.Clear(); }
///
/// The counters are jemalloc's for the thread (`ThreadAllocationCounters`):
/// exact to the byte and independent of thread caches, at less than 1 us. They
/// do not distinguish
///
/// - a leak from state that is built once and kept (a static local, a locale, a
///   growing container): run the block once before, or set the tolerance;
/// - a leak from memory that another thread frees, and the opposite;
/// - a leak from a block that frees as many bytes allocated before it.
///
/// A block that is left early, by a failed `ASSERT_…`, `return`, `break` or an
/// exception, is not checked. Without jemalloc, or where the thread does not
/// allocate from it (the sanitizers' malloc), every block is stable. No
/// listener is needed.
#define EXPECT_HEAP_STABLE(tolerance_bytes)                                \
  for (::jemalloc_exporter::HeapExpectation jemalloc_exporter_expectation( \
           tolerance_bytes, __FILE__, __LINE__);                           \
       jemalloc_exporter_expectation.Begin();                              \
       jemalloc_exporter_expectation.End())

namespace jemalloc_exporter {

/// The implementation of `EXPECT_HEAP_STABLE`, for direct use where jemalloc's
/// `mallctl` has another name:
///
///     HeapExpectation expectation(0, __FILE__, __LINE__, je_mallctl);
///     while (expectation.Begin()) {
///       ...
///       expectation.End();
///     }
class HeapExpectation {
 public:
  HeapExpectation(std::uint64_t tolerance_bytes, const char* file, int line,
                  Mallctl* mallctl = FindMallctl())
      : tolerance_(tolerance_bytes),
        file_(file),
        line_(line),
        mallctl_(mallctl) {}

  /// Reads the counters and returns true the first time; then returns false.
  bool Begin();

  /// Reads the counters again, in the same thread; adds a failure at the given
  /// file and line if the difference exceeds the tolerance.
  void End();

 private:
  std::uint64_t tolerance_;
  const char* file_;
  int line_;
  Mallctl* mallctl_;
  bool begun_ = false;
  std::optional<ThreadAllocationCounters> before_;
};

}  // namespace jemalloc_exporter

#endif  // JEMALLOC_EXPORTER_HEAP_EXPECTATION_H_
