#ifndef JEMALLOC_EXPORTER_COLLECTOR_GTEST_TEST_RECORDS_H_
#define JEMALLOC_EXPORTER_COLLECTOR_GTEST_TEST_RECORDS_H_

#include <cstddef>
#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "jemalloc_exporter/heap_sidecar.h"

namespace jemalloc_exporter {

/// The result of what has not ended.
inline constexpr const char* kRunning = "running";

/// The last run of each test, in bounded memory: of more than `max` tests the
/// one whose heap grew least is forgotten, of equals the first by name. A test
/// without a growth counts as one of 0. Not thread-safe.
class TestRecords {
 public:
  explicit TestRecords(std::size_t max) : max_(max) {}

  /// The test runs: it is remembered as `running`, and no more of it.
  void Start(const std::string& name);

  /// The test that was started last has ended.
  void End(HeapRecord record);

  std::vector<HeapRecord> SortedByName() const;

  /// How often a test was forgotten.
  std::uint64_t forgotten() const { return forgotten_; }

 private:
  void ForgetLeast();

  std::size_t max_;
  std::map<std::string, HeapRecord> tests_;
  // The tests that have ended, the least growth first.
  std::set<std::pair<std::int64_t, std::string>> by_growth_;
  std::uint64_t forgotten_ = 0;
};

}  // namespace jemalloc_exporter

#endif  // JEMALLOC_EXPORTER_COLLECTOR_GTEST_TEST_RECORDS_H_
