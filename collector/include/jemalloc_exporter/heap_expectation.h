#ifndef JEMALLOC_EXPORTER_HEAP_EXPECTATION_H_
#define JEMALLOC_EXPORTER_HEAP_EXPECTATION_H_

#include <cstdint>
#include <optional>

#include "jemalloc_exporter/thread_bytes.h"

/// Expects of the block that follows that its thread frees as many bytes as it
/// allocates, give or take `tolerance_bytes`; a failure is not fatal:
///
///     EXPECT_HEAP_STABLE(0) { cache.Put("key", "value"); cache.Clear(); }
///
/// The count is jemalloc's own for the thread (`ThreadBytes`): exact to the
/// byte, at less than a microsecond, whatever thread caches hold. It cannot
/// tell
///
/// - a leak from state that is built once and kept (a static local, a locale, a
///   growing container): run the block once before, or grant the tolerance;
/// - what other threads do: memory handed over to be freed elsewhere looks like
///   a leak here, memory taken over looks like the opposite;
/// - a leak from a block that frees as much of what was there before.
///
/// A block that is left early, by a failed `ASSERT_…`, `return`, `break` or an
/// exception, is not judged. Without jemalloc, or where the thread does not
/// allocate from it (the sanitizers' malloc), everything is stable. No listener
/// is needed.
#define EXPECT_HEAP_STABLE(tolerance_bytes)                                \
  for (::jemalloc_exporter::HeapExpectation jemalloc_exporter_expectation( \
           tolerance_bytes, __FILE__, __LINE__);                           \
       jemalloc_exporter_expectation.Begin();                              \
       jemalloc_exporter_expectation.End())

namespace jemalloc_exporter {

/// What `EXPECT_HEAP_STABLE` is made of; of use by itself where jemalloc's
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

  /// True the first time: the counting begins.
  bool Begin();

  /// The counting ends, on the same thread; reports a failure at the place
  /// given if the counts are too far apart.
  void End();

 private:
  std::uint64_t tolerance_;
  const char* file_;
  int line_;
  Mallctl* mallctl_;
  bool begun_ = false;
  std::optional<ThreadBytes> before_;
};

}  // namespace jemalloc_exporter

#endif  // JEMALLOC_EXPORTER_HEAP_EXPECTATION_H_
