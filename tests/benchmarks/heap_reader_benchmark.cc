// What a snapshot costs, against the least that it could cost: the refresh of
// the epoch and five reads by MIB. And what statistics and options cost,
// against the state alone. Both are timed in turn, so that the ratio holds on a
// machine that is busy otherwise.

#include <benchmark/benchmark.h>
#include <jemalloc/jemalloc.h>

#include <array>
#include <cstdint>
#include <cstdlib>
#include <iterator>
#include <vector>

#include "collector/jemalloc/heap_snapshot.h"
#include "jemalloc_exporter/heap_reader.h"
#include "tests/benchmarks/timing.h"

namespace jemalloc_exporter {
namespace {

void MustSucceed(int error) {
  if (error != 0) std::abort();
}

// Arenas beyond those that this program uses anyway; they never go away.
void InitialiseArenas(unsigned count) {
  static unsigned made = 0;
  for (; made < count; ++made) {
    unsigned arena = 0;
    std::size_t size = sizeof(arena);
    MustSucceed(mallctl("arenas.create", &arena, &size, nullptr, 0));
    const int flags = MALLOCX_ARENA(arena) | MALLOCX_TCACHE_NONE;
    dallocx(mallocx(1, flags), flags);
  }
}

class RawReader {
 public:
  RawReader() {
    for (std::size_t i = 0; i < mibs_.size(); ++i) {
      mibs_[i].type = kHeapFields[i].type;
      mibs_[i].length = std::size(mibs_[i].path);
      MustSucceed(mallctlnametomib(kHeapFields[i].mallctl, mibs_[i].path,
                                   &mibs_[i].length));
    }
  }

  void Read() const {
    std::uint64_t epoch = 1;
    std::size_t size = sizeof(epoch);
    MustSucceed(mallctl("epoch", &epoch, &size, &epoch, sizeof(epoch)));
    for (const Mib& mib : mibs_) {
      std::uint64_t value = 0;
      size = mib.type == MallctlType::kSize ? sizeof(std::size_t)
                                            : sizeof(unsigned);
      MustSucceed(
          mallctlbymib(mib.path, mib.length, &value, &size, nullptr, 0));
      benchmark::DoNotOptimize(value);
    }
  }

 private:
  struct Mib {
    MallctlType type{};
    std::size_t path[4]{};
    std::size_t length = 0;
  };
  std::array<Mib, std::size(kHeapFields)> mibs_;
};

std::uint64_t AllocatedByThisThread() {
  std::uint64_t bytes = 0;
  std::size_t size = sizeof(bytes);
  MustSucceed(mallctl("thread.allocated", &bytes, &size, nullptr, 0));
  return bytes;
}

// The ratio is to be at most 2 with 8 arenas.
void Statistics(benchmark::State& state) {
  InitialiseArenas(static_cast<unsigned>(state.range(0)));
  std::vector<double> state_times;
  std::vector<double> all_times;
  const auto read = [](SnapshotScope scope) {
    benchmark::DoNotOptimize(TakeHeapSnapshot(mallctl, scope));
  };
  for ([[maybe_unused]] auto _ : state) {
    state_times.push_back(NanosecondsOf([&] { read(SnapshotScope::kState); }));
    all_times.push_back(NanosecondsOf([&] { read(SnapshotScope::kAll); }));
  }
  const double state_time = Median(state_times);
  const double all_time = Median(all_times);
  state.counters["state_ns"] = state_time;
  state.counters["all_ns"] = all_time;
  state.counters["ratio"] = all_time / state_time;
}
BENCHMARK(Statistics)->ArgName("arenas")->Arg(1)->Arg(8)->Arg(64)->Arg(512);

void Snapshot(benchmark::State& state) {
  InitialiseArenas(static_cast<unsigned>(state.range(0)));
  const RawReader raw;
  std::vector<double> raw_times;
  std::vector<double> snapshot_times;
  std::uint64_t allocated = 0;
  for ([[maybe_unused]] auto _ : state) {
    raw_times.push_back(NanosecondsOf([&] { raw.Read(); }));
    const std::uint64_t before = AllocatedByThisThread();
    const double snapshot_time =
        NanosecondsOf([] { benchmark::DoNotOptimize(ReadHeap()); });
    allocated += AllocatedByThisThread() - before;
    snapshot_times.push_back(snapshot_time);
  }
  const double raw_time = Median(raw_times);
  const double snapshot_time = Median(snapshot_times);
  state.counters["raw_ns"] = raw_time;
  state.counters["snapshot_ns"] = snapshot_time;
  state.counters["ratio"] = snapshot_time / raw_time;
  state.counters["allocated_bytes"] = static_cast<double>(allocated);
}
BENCHMARK(Snapshot)->ArgName("arenas")->Arg(1)->Arg(8)->Arg(64)->Arg(512);

}  // namespace
}  // namespace jemalloc_exporter

BENCHMARK_MAIN();
