#include "collector/gtest/test_records.h"

namespace jemalloc_exporter {
namespace {

std::pair<std::int64_t, std::string> Rank(const HeapRecord& test) {
  return {test.heap_growth_bytes.value_or(0), test.name};
}

}  // namespace

void TestRecords::Start(const std::string& name) {
  HeapRecord& test = tests_[name];
  by_growth_.erase(Rank(test));
  test = {};
  test.name = name;
  test.result = kRunning;
}

void TestRecords::End(HeapRecord record) {
  by_growth_.insert(Rank(record));
  HeapRecord& test = tests_[record.name];
  test = std::move(record);
  if (tests_.size() > max_) ForgetLeast();
}

std::vector<HeapRecord> TestRecords::SortedByName() const {
  std::vector<HeapRecord> tests;
  tests.reserve(tests_.size());
  for (const auto& [name, test] : tests_) tests.push_back(test);
  return tests;
}

void TestRecords::ForgetLeast() {
  const auto least = by_growth_.begin();
  tests_.erase(least->second);
  by_growth_.erase(least);
  ++forgotten_;
}

}  // namespace jemalloc_exporter
