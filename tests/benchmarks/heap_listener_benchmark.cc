// What the listener takes for a test, against the least that it could: two
// refreshes of the epoch. Both are timed in turn, so that the ratio holds on a
// machine that is busy otherwise.

#include <benchmark/benchmark.h>
#include <gtest/gtest.h>
#include <jemalloc/jemalloc.h>

#include <cstdint>
#include <cstdlib>
#include <string>
#include <vector>

#include "jemalloc_exporter/heap_listener.h"
#include "tests/benchmarks/timing.h"

namespace jemalloc_exporter {
namespace {

class Idle : public testing::Test {
  void TestBody() override {}
};

// As many tests as a large program has.
std::vector<const testing::TestInfo*> Tests() {
  std::vector<const testing::TestInfo*> tests;
  for (int i = 0; i < 1000; ++i) {
    tests.push_back(testing::RegisterTest(
        "SuiteOfTests", ("IsNumber" + std::to_string(i)).c_str(), nullptr,
        nullptr, __FILE__, __LINE__, [] { return new Idle; }));
  }
  return tests;
}

void RefreshEpoch() {
  std::uint64_t epoch = 1;
  std::size_t size = sizeof(epoch);
  if (mallctl("epoch", &epoch, &size, &epoch, sizeof(epoch)) != 0) std::abort();
}

void Test(benchmark::State& state) {
  static const auto tests = Tests();
  HeapListener listener;
  listener.OnTestProgramStart(*testing::UnitTest::GetInstance());
  std::vector<double> epoch_times;
  std::vector<double> listener_times;
  std::size_t turn = 0;
  for ([[maybe_unused]] auto _ : state) {
    epoch_times.push_back(NanosecondsOf([] {
      RefreshEpoch();
      RefreshEpoch();
    }));
    const testing::TestInfo& test = *tests[turn++ % tests.size()];
    listener_times.push_back(NanosecondsOf([&] {
      listener.OnTestStart(test);
      listener.OnTestEnd(test);
    }));
  }
  const double epoch_time = Median(epoch_times);
  const double listener_time = Median(listener_times);
  state.counters["epochs_ns"] = epoch_time;
  state.counters["listener_ns"] = listener_time;
  state.counters["ratio"] = listener_time / epoch_time;
}
BENCHMARK(Test);

}  // namespace
}  // namespace jemalloc_exporter

BENCHMARK_MAIN();
