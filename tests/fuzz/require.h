#ifndef JEMALLOC_EXPORTER_TESTS_FUZZ_REQUIRE_H_
#define JEMALLOC_EXPORTER_TESTS_FUZZ_REQUIRE_H_

#include <cstdlib>

namespace jemalloc_exporter {

/// Ends the process, which is how a fuzz target fails, unless `holds`.
inline void Require(bool holds) {
  if (!holds) std::abort();
}

}  // namespace jemalloc_exporter

#endif  // JEMALLOC_EXPORTER_TESTS_FUZZ_REQUIRE_H_
