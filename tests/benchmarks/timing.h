#ifndef JEMALLOC_EXPORTER_TESTS_BENCHMARKS_TIMING_H_
#define JEMALLOC_EXPORTER_TESTS_BENCHMARKS_TIMING_H_

#include <algorithm>
#include <chrono>
#include <iterator>
#include <vector>

namespace jemalloc_exporter {

template <typename Body>
double NanosecondsOf(const Body& body) {
  using Clock = std::chrono::steady_clock;
  const auto start = Clock::now();
  body();
  return std::chrono::duration<double, std::nano>(Clock::now() - start).count();
}

/// Reorders `values`, which must not be empty.
inline double Median(std::vector<double>& values) {
  const auto middle = values.begin() + std::ssize(values) / 2;
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

}  // namespace jemalloc_exporter

#endif  // JEMALLOC_EXPORTER_TESTS_BENCHMARKS_TIMING_H_
