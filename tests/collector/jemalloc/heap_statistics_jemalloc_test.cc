// The statistics on the jemalloc that serves this program's malloc, against
// those that it prints at the same epoch.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <jemalloc/jemalloc.h>

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <iterator>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <sstream>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "collector/jemalloc/heap_snapshot.h"
#include "collector/jemalloc/mutex_names.h"
#include "collector/jemalloc/statistics_reader.h"

// A program with a sanitizer has no jemalloc, and skips these tests.
#pragma weak dallocx
#pragma weak mallctl
#pragma weak malloc_stats_print
#pragma weak mallocx

namespace jemalloc_exporter {
namespace {

// What malloc_stats_print prints, without an allocation.
class Output {
 public:
  // Refreshes the epoch.
  void Print(const char* options) {
    size_ = 0;
    malloc_stats_print(
        [](void* self, const char* text) {
          static_cast<Output*>(self)->Append(text);
        },
        this, options);
  }

  std::string text() const { return {text_.get(), size_}; }

 private:
  static constexpr std::size_t kMaxSize = std::size_t{4} << 20;

  void Append(const char* text) {
    while (*text != '\0' && size_ < kMaxSize) text_[size_++] = *text++;
  }

  std::unique_ptr<char[]> text_ = std::make_unique<char[]>(kMaxSize);
  std::size_t size_ = 0;
};

template <typename T>
T Get(const char* name) {
  T value{};
  std::size_t size = sizeof(value);
  EXPECT_EQ(mallctl(name, &value, &size, nullptr, 0), 0) << name;
  EXPECT_EQ(size, sizeof(value)) << name;
  return value;
}

// 4 KiB on x86-64; 64 KiB in Debian's jemalloc for 64-bit Arm.
std::uint64_t Page() { return Get<std::size_t>("arenas.page"); }

// Without a refresh.
HeapStatistics ReadAgain() {
  return ReadStatistics(mallctl, Get<unsigned>("arenas.narenas"));
}

struct Arena {
  unsigned index = Get<unsigned>("arenas.create");
  // NOLINTNEXTLINE(bugprone-narrowing-conversions): jemalloc's macro.
  int flags = MALLOCX_ARENA(index) | MALLOCX_TCACHE_NONE;

  void Destroy() const {
    const std::string name = "arena." + std::to_string(index) + ".destroy";
    EXPECT_EQ(mallctl(name.c_str(), nullptr, nullptr, nullptr, 0), 0);
  }
};

// Allocations of many sizes, some of which stay to the end of the process.
// Large ones begin at 4 pages.
void Allocate(int flags) {
  const std::size_t scale = Page() / 4096;
  for (std::size_t k = 0; k < 200; ++k) {
    EXPECT_NE(mallocx(scale * std::size_t{24} << (k % 12), flags), nullptr);
    dallocx(mallocx(scale * 1000 * (1 + k % 60), flags), flags);
  }
}

// Threads that wait for each other's locks.
void Contend(int flags) {
  constexpr int kThreads = 4;
  std::vector<std::thread> threads;
  threads.reserve(kThreads);
  for (int i = 0; i < kThreads; ++i) {
    threads.emplace_back([flags] {
      for (int k = 0; k < 20'000; ++k) dallocx(mallocx(20'000, flags), flags);
      for (std::size_t k = 0; k < 20'000; ++k) {
        free(malloc(std::size_t{16} << (k % 8)));
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
}

// A counter over the rows of locks, of all arenas and of the process. jemalloc
// 5.3.0 has other columns' values in JSON. Columns: n_lock_ops, n_waiting,
// n_spin_acq, n_owner_switch, total_wait_ns, each with its rate.
std::uint64_t SumOfLocks(const std::string& table, std::size_t column) {
  const auto contains = [](const auto& names, const std::string& name) {
    return std::find(std::begin(names), std::end(names), name) !=
           std::end(names);
  };
  std::uint64_t sum = 0;
  bool is_of_arenas = false;
  std::size_t bin_column = 0;
  std::istringstream lines(table);
  for (std::string line; std::getline(lines, line);) {
    if (line.rfind("Merged arenas stats:", 0) == 0) is_of_arenas = true;
    std::istringstream words(line);
    std::vector<std::string> row{std::istream_iterator<std::string>(words), {}};
    if (row.empty()) continue;
    if (row[0] == "bins:") {
      // In the heading, `(#/sec)` is a column of its own.
      const auto found = std::find(row.begin(), row.end(), "n_lock_ops");
      bin_column = static_cast<std::size_t>(found - row.begin()) - 1;
    } else if (row[0] == "large:") {
      bin_column = 0;
    } else if (is_of_arenas ? contains(kArenaMutexes, row[0])
                            : contains(kProcessMutexes, row[0])) {
      sum += std::stoull(row.at(1 + column));
    } else if (bin_column > 0 && row.size() > bin_column + column) {
      sum += std::stoull(row.at(bin_column + column));
    }
  }
  return sum;
}

// The value of a row in the JSON of malloc_stats_print, whose keys are the
// parts of the mallctl name.
std::uint64_t Printed(const nlohmann::json& json, const HeapStatistic& row) {
  constexpr std::string_view kMerged = "stats.arenas.4096.";
  const std::string_view name = row.mallctl;
  const bool is_of_arenas = name.substr(0, kMerged.size()) == kMerged;
  const nlohmann::json* value =
      is_of_arenas ? &json.at("stats.arenas").at("merged") : &json;
  std::istringstream keys(
      std::string(name.substr(is_of_arenas ? kMerged.size() : 0)));
  for (std::string key; std::getline(keys, key, '.');) value = &value->at(key);
  return value->get<std::uint64_t>() *
         (row.unit == MallctlUnit::kPages ? Page() : 1);
}

class HeapStatisticsOfJemalloc : public testing::Test {
 protected:
  void SetUp() override {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
    GTEST_SKIP() << "the sanitizer serves malloc, not jemalloc";
#endif
  }

  void ExpectPrintedNumbers() {
    output_.Print("Ja");
    const HeapStatistics read = ReadAgain();
    const auto epoch = Get<std::uint64_t>("epoch");
    const auto json = nlohmann::json::parse(output_.text())["jemalloc"];
    HeapStatistics expected;
    for (const HeapStatistic& row : kHeapStatistics) {
      if (row.mallctl != nullptr) expected.*row.value = Printed(json, row);
    }
    const auto& large = json["stats.arenas"]["merged"]["large"];
    expected.large_padding_bytes =
        Page() * (large["nmalloc"].get<std::uint64_t>() -
                  large["ndalloc"].get<std::uint64_t>());
    // It is not printed.
    expected.arenas_initialized = read.arenas_initialized;
    output_.Print("a");
    const HeapStatistics read_again = ReadAgain();
    expected.lock_waits = SumOfLocks(output_.text(), 2);
    expected.lock_wait_nanoseconds = SumOfLocks(output_.text(), 8);
    EXPECT_EQ(read_again.lock_waits, expected.lock_waits);
    EXPECT_EQ(read_again.lock_wait_nanoseconds, expected.lock_wait_nanoseconds);
    for (const HeapStatistic& row : kHeapStatistics) {
      if (row.key.substr(0, 5) == "lock_") continue;
      EXPECT_EQ(read.*row.value, expected.*row.value) << row.key;
    }
    EXPECT_EQ(json["stats"]["allocated"],
              *read.small_allocated_bytes + *read.large_allocated_bytes);
    EXPECT_EQ(Get<std::uint64_t>("epoch"), epoch + 1) << "by printing alone";
  }

  Output output_;
};

TEST_F(HeapStatisticsOfJemalloc, ArePrintedWithOneArena) {
  Allocate(0);
  ExpectPrintedNumbers();
}

TEST_F(HeapStatisticsOfJemalloc, ArePrintedWithEightArenas) {
  for (int i = 0; i < 8; ++i) Allocate(Arena().flags);
  Contend(Arena().flags);
  ExpectPrintedNumbers();
  EXPECT_GE(ReadAgain().arenas_initialized, 9);
}

TEST_F(HeapStatisticsOfJemalloc, HaveLockWaitsWhereThreadsContend) {
  const Arena arena;
  HeapStatistics statistics;
  // A thread waits where another one is preempted, which takes some rounds.
  for (int round = 0; round < 200; ++round) {
    Contend(arena.flags);
    statistics = TakeHeapSnapshot(mallctl).statistics;
    if (statistics.lock_wait_nanoseconds > 0) break;
  }
  EXPECT_GT(statistics.lock_waits, 0);
  EXPECT_GT(statistics.lock_wait_nanoseconds, 0);
  ExpectPrintedNumbers();
}

TEST_F(HeapStatisticsOfJemalloc, HaveOptionsThatArePrinted) {
  output_.Print("Jmdablxhe");
  const auto json = nlohmann::json::parse(output_.text())["jemalloc"];
  const HeapOptions options = ReadOptions(mallctl);
  for (std::size_t i = 0; i < kHeapOptionCount; ++i) {
    const HeapOption& option = kHeapOptions[i];
    const std::string name(option.label);
    const bool is_live = std::string_view(option.mallctl).find("arenas.") == 0;
    const auto& options_printed = name == "version" ? json
                                  : is_live         ? json["arenas"]
                                                    : json["opt"];
    const auto found = options_printed.find(name);
    if (found == options_printed.end()) {
      // Debian's jemalloc for 64-bit Arm has no `opt.prof`.
      EXPECT_EQ(options.values[i].view(), "") << name;
      continue;
    }
    const auto& printed = *found;
    const std::string text =
        printed.is_string() ? printed.get<std::string>() : printed.dump();
    EXPECT_EQ(options.values[i].view(), HeapOptionValue(text).view()) << name;
  }
}

TEST_F(HeapStatisticsOfJemalloc, NeverDecreaseWhenAnArenaIsDestroyed) {
  for (int round = 0; round < 3; ++round) {
    const Arena arena;
    Allocate(arena.flags);
    const HeapStatistics before = TakeHeapSnapshot(mallctl).statistics;
    arena.Destroy();
    const HeapStatistics after = TakeHeapSnapshot(mallctl).statistics;
    for (const HeapStatistic& row : kHeapStatistics) {
      if (row.kind != StatisticKind::kCounter) continue;
      ASSERT_NE(after.*row.value, std::nullopt) << row.key;
      EXPECT_GE(after.*row.value, before.*row.value) << row.key;
    }
    EXPECT_LT(after.large_allocated_bytes, before.large_allocated_bytes);
  }
}

TEST_F(HeapStatisticsOfJemalloc, HaveAPageOfPaddingForEachLargeAllocation) {
  std::vector<std::unique_ptr<void, decltype(&free)>> blocks;
  blocks.reserve(1000);
  const std::uint64_t page = Page();
  const auto before = TakeHeapSnapshot(mallctl).statistics.large_padding_bytes;
  for (int i = 0; i < 1000; ++i) blocks.emplace_back(malloc(4 * page), &free);
  const auto after = TakeHeapSnapshot(mallctl).statistics.large_padding_bytes;
  // Of those, a full cache holds freed ones.
  const std::uint64_t growth = *after - *before;
  EXPECT_GE(growth, 1000 * page);
  EXPECT_LE(growth, 1020 * page);
}

// Without a thread cache, the difference is exact.
TEST_F(HeapStatisticsOfJemalloc, HaveExactPaddingWithoutAThreadCache) {
  const Arena arena;
  const auto before = TakeHeapSnapshot(mallctl).statistics.large_padding_bytes;
  const std::uint64_t page = Page();
  for (int i = 0; i < 1000; ++i) mallocx(4 * page, arena.flags);
  const auto after = TakeHeapSnapshot(mallctl).statistics.large_padding_bytes;
  EXPECT_EQ(*after - *before, 1000 * page);
}

// Holes are free slots of slabs: what the bins have beyond live objects.
TEST_F(HeapStatisticsOfJemalloc, HaveHolesThatAreThoseOfTheBins) {
  const Arena arena;
  std::vector<void*> blocks(10'000);
  for (void*& block : blocks) block = mallocx(448, arena.flags);
  for (std::size_t i = 0; i < blocks.size(); ++i) {
    if (i % 8 != 0) dallocx(blocks[i], arena.flags);
  }
  const HeapSnapshot snapshot = TakeHeapSnapshot(mallctl);
  std::uint64_t holes = 0;
  for (unsigned bin = 0; bin < Get<unsigned>("arenas.nbins"); ++bin) {
    const std::string of_bin = "arenas.bin." + std::to_string(bin);
    const std::string of_stats =
        "stats.arenas.4096.bins." + std::to_string(bin);
    holes += Get<std::size_t>((of_stats + ".curslabs").c_str()) *
             Get<std::size_t>((of_bin + ".slab_size").c_str());
    holes -= Get<std::size_t>((of_stats + ".curregs").c_str()) *
             Get<std::size_t>((of_bin + ".size").c_str());
  }
  EXPECT_EQ(*snapshot.state.active_bytes - *snapshot.state.allocated_bytes -
                *snapshot.statistics.large_padding_bytes,
            holes);
  EXPECT_GT(holes, 3'000'000);
}

TEST_F(HeapStatisticsOfJemalloc, AreReadWithoutAnAllocation) {
  TakeHeapSnapshot(mallctl);
  const auto allocated = Get<std::uint64_t>("thread.allocated");
  const HeapStatistics before = TakeHeapSnapshot(mallctl).statistics;
  for (int i = 0; i < 100; ++i) TakeHeapSnapshot(mallctl);
  const HeapStatistics after = TakeHeapSnapshot(mallctl).statistics;
  EXPECT_EQ(Get<std::uint64_t>("thread.allocated"), allocated);
  EXPECT_EQ(after.small_arena_allocations, before.small_arena_allocations);
  EXPECT_EQ(after.large_arena_allocations, before.large_arena_allocations);
}

TEST_F(HeapStatisticsOfJemalloc, AreNotTornByAnotherThreadsRefresh) {
  std::atomic<bool> done{false};
  std::thread refresher([&done] {
    while (!done) {
      std::uint64_t epoch = 1;
      mallctl("epoch", nullptr, nullptr, &epoch, sizeof(epoch));
      free(malloc(100'000));
    }
  });
  int torn = 0;
  for (int i = 0; i < 10'000; ++i) {
    const HeapSnapshot snapshot = TakeHeapSnapshot(mallctl);
    if (snapshot.state.allocated_bytes !=
        *snapshot.statistics.small_allocated_bytes +
            *snapshot.statistics.large_allocated_bytes) {
      ++torn;
    }
  }
  done = true;
  refresher.join();
  EXPECT_EQ(torn, 0);
}

}  // namespace
}  // namespace jemalloc_exporter
