// The details of the jemalloc that serves this program's malloc, compared with
// malloc_stats_print at the same refresh, with 1 arena in use and with 8.

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdint>
#include <cstdlib>
#include <iterator>
#include <map>
#include <memory>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>
#include <thread>
#include <vector>

#include "collector/jemalloc/details_reader.h"
#include "collector/jemalloc/heap_snapshot.h"

extern "C" __attribute__((weak)) void malloc_stats_print(
    void (*write)(void* opaque, const char* text), void* opaque,
    const char* options);

namespace jemalloc_exporter {
namespace {

using Value = std::optional<std::uint64_t>;

class DetailsOfJemalloc : public testing::TestWithParam<int> {
 protected:
  void SetUp() override {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
    GTEST_SKIP() << "the sanitizer serves malloc, not jemalloc";
#endif
    mallctl_ = FindMallctl();
    ASSERT_NE(mallctl_, nullptr);
  }

  template <typename T>
  void Write(const std::string& name, T value) const {
    EXPECT_EQ(mallctl_(name.c_str(), nullptr, nullptr, &value, sizeof(value)),
              0)
        << name;
  }
  void Call(const std::string& name) const {
    EXPECT_EQ(mallctl_(name.c_str(), nullptr, nullptr, nullptr, 0), 0) << name;
  }
  template <typename T>
  T ReadValue(const char* name) const {
    T value{};
    std::size_t size = sizeof(value);
    EXPECT_EQ(mallctl_(name, &value, &size, nullptr, 0), 0) << name;
    return value;
  }

  // Other tests of this process may destroy arenas. Their bins are not all in
  // the text.
  LockDetails OfDestroyedArenas(const std::string& mutex) const {
    if (!ReadValue<bool>("arena.4097.initialized")) return {0, 0, 0};
    const std::string name = "stats.arenas.4097." + mutex;
    const auto read = [&](const char* counter) {
      return ReadValue<std::uint64_t>((name + counter).c_str());
    };
    return {read(".num_ops"), read(".num_wait"), read(".total_wait_time")};
  }

  // Blocks of many sizes that are live, and freed ones, in new arenas: each of
  // a thread that ends.
  void Allocate(int arenas) {
    // The buffer is in none of the arenas, which a test destroys.
    constexpr std::size_t kMaxBlocks = 256;
    blocks_.reserve(kMaxBlocks * static_cast<std::size_t>(arenas));
    for (int i = 0; i < arenas; ++i) {
      const auto arena = ReadValue<unsigned>("arenas.create");
      arenas_.push_back(arena);
      std::thread([this, arena] {
        Write("thread.arena", arena);
        for (std::size_t size = 1; size < 300'000; size += 1 + size / 7) {
          blocks_.emplace_back(std::malloc(size), &std::free);
          std::free(std::malloc(size));
        }
      }).join();
    }
    ASSERT_LE(blocks_.size(), kMaxBlocks * static_cast<std::size_t>(arenas));
  }

  // What malloc_stats_print writes, which refreshes the statistics. Nothing is
  // allocated meanwhile.
  static std::string Print(const char* options) {
    auto text = std::make_unique<std::string>();
    text->reserve(4 << 20);
    malloc_stats_print(
        [](void* out, const char* part) {
          static_cast<std::string*>(out)->append(part);
        },
        text.get(), options);
    EXPECT_LT(text->size(), 4 << 20);
    return *text;
  }

  Mallctl* mallctl_ = nullptr;
  std::vector<unsigned> arenas_;
  std::vector<std::unique_ptr<void, decltype(&std::free)>> blocks_;
};

// The counters of a line of the table of mutexes, from the acquisitions on:
// with the rate of each behind it.
LockDetails CountersOf(const std::vector<std::uint64_t>& columns) {
  return {.acquisitions = columns.at(0),
          .waits = columns.at(2),
          .wait_nanoseconds = columns.at(8)};
}

void Add(const LockDetails& counters, LockDetails& sum) {
  *sum.acquisitions += *counters.acquisitions;
  *sum.waits += *counters.waits;
  *sum.wait_nanoseconds += *counters.wait_nanoseconds;
}

// The last columns of each line below `heading`, up to an empty line.
std::map<std::string, std::vector<std::uint64_t>> Table(
    const std::string& text, const std::string& heading) {
  constexpr std::size_t kColumns = 12;
  std::map<std::string, std::vector<std::uint64_t>> rows;
  std::istringstream lines(text.substr(text.find(heading)));
  std::string line;
  std::getline(lines, line);
  while (std::getline(lines, line)) {
    std::istringstream words(line);
    std::vector<std::string> row;
    for (std::string word; words >> word;) row.push_back(word);
    if (row.size() == 1) continue;  // `---`: unused classes.
    if (row.size() < kColumns + 1 || row.front().back() == ':') break;
    std::vector<std::uint64_t>& columns = rows[row.front()];
    for (std::size_t i = row.size() - kColumns; i < row.size(); ++i) {
      columns.push_back(std::stoull(row[i]));
    }
  }
  return rows;
}

TEST_P(DetailsOfJemalloc, HasTheMutexesOfTheTextTable) {
  Allocate(GetParam());
  const std::string text = Print("g");
  HeapDetails details;
  ReadDetails(mallctl_, {.locks = true}, &details);
  ASSERT_TRUE(details.sets.locks);
  auto process = Table(text, "n_lock_ops");
  const auto merged = text.substr(text.find("Merged arenas stats:"));
  auto arenas = Table(merged, "                           n_lock_ops");
  const auto bin_rows = Table(merged, "bins:");
  ASSERT_FALSE(bin_rows.empty());
  LockDetails bins = {0, 0, 0};
  for (const auto& [size, columns] : bin_rows) Add(CountersOf(columns), bins);
  for (unsigned i = 0; i < ReadValue<unsigned>("arenas.nbins"); ++i) {
    Add(OfDestroyedArenas("bins." + std::to_string(i) + ".mutex"), bins);
  }
  for (std::size_t i = 0; i < kHeapLockCount; ++i) {
    const HeapLock& lock = kHeapLocks[i];
    if (lock.option != nullptr) continue;
    const std::string name(lock.name);
    LockDetails expected = bins;
    if (lock.scope == HeapLock::Scope::kArenas) {
      ASSERT_TRUE(arenas.count(name)) << name;
      expected = CountersOf(arenas[name]);
      Add(OfDestroyedArenas("mutexes." + name), expected);
    } else if (lock.scope == HeapLock::Scope::kProcess) {
      ASSERT_TRUE(process.count(name)) << name;
      expected = CountersOf(process[name]);
    }
    EXPECT_EQ(details.locks[i].acquisitions, expected.acquisitions) << name;
    EXPECT_EQ(details.locks[i].waits, expected.waits) << name;
    EXPECT_EQ(details.locks[i].wait_nanoseconds, expected.wait_nanoseconds)
        << name;
  }
}

TEST_P(DetailsOfJemalloc, HasTheNumbersOfTheJson) {
  Allocate(GetParam());
  const std::string text = Print("J");
  HeapDetails details;
  ReadDetails(mallctl_, HeapDetailSets::All(), &details);
  const auto json = nlohmann::json::parse(text)["jemalloc"];
  const auto& constants = json["arenas"]["bin"];
  const auto& merged = json["stats.arenas"]["merged"];
  ASSERT_TRUE(details.sets == HeapDetailSets::All());
  std::size_t row = 0;
  std::size_t size_row = 0;
  for (std::size_t i = 0; i < constants.size(); ++i) {
    const auto& bin = merged["bins"][i];
    if (bin["curregs"] == 0 && bin["nrequests"] == 0 && bin["curslabs"] == 0) {
      continue;
    }
    ASSERT_LT(row, details.bins.size());
    const BinDetails& found = details.bins[row++];
    EXPECT_EQ(found.size, constants[i]["size"]);
    EXPECT_EQ(found.slots, constants[i]["nregs"]);
    EXPECT_EQ(found.slab_bytes, constants[i]["slab_size"]);
    EXPECT_EQ(found.live, bin["curregs"]);
    EXPECT_EQ(found.slabs, bin["curslabs"]);
    EXPECT_GE(found.requests, bin["nrequests"].get<std::uint64_t>());
    if (found.requests == 0) continue;
    EXPECT_EQ(details.sizes[size_row].size, *found.size);
    EXPECT_EQ(details.sizes[size_row++].requests, *found.requests);
  }
  EXPECT_EQ(row, details.bins.size());
  // The sum of small and large allocations.
  std::uint64_t requests = 0;
  for (const SizeDetails& size : details.sizes) requests += size.requests;
  std::uint64_t expected =
      ReadValue<std::uint64_t>("stats.arenas.4096.small.nrequests") +
      ReadValue<std::uint64_t>("stats.arenas.4096.large.nrequests");
  if (ReadValue<bool>("arena.4097.initialized")) {
    expected += ReadValue<std::uint64_t>("stats.arenas.4097.small.nrequests") +
                ReadValue<std::uint64_t>("stats.arenas.4097.large.nrequests");
  }
  EXPECT_EQ(requests, expected);
  // Live bytes of bins.
  std::uint64_t live = 0;
  for (const BinDetails& bin : details.bins) live += *bin.size * *bin.live;
  EXPECT_EQ(live, merged["small"]["allocated"]);
  const auto page = json["arenas"]["page"].get<std::uint64_t>();
  EXPECT_GE(details.arenas.size(), static_cast<std::size_t>(GetParam()));
  for (const ArenaDetails& arena : details.arenas) {
    const auto& expected_arena =
        json["stats.arenas"][std::to_string(*arena.arena)];
    EXPECT_EQ(arena.active_bytes,
              expected_arena["pactive"].get<std::uint64_t>() * page);
    EXPECT_EQ(arena.dirty_bytes,
              expected_arena["pdirty"].get<std::uint64_t>() * page);
    EXPECT_EQ(arena.small_allocated_bytes,
              expected_arena["small"]["allocated"]);
    EXPECT_EQ(arena.large_allocated_bytes,
              expected_arena["large"]["allocated"]);
    EXPECT_EQ(arena.threads, expected_arena["nthreads"]);
  }
}

TEST_P(DetailsOfJemalloc, HasTheExtentsOfTheJson) {
  Allocate(GetParam());
  // Unused extents of many sizes.
  blocks_.erase(blocks_.begin() + std::ssize(blocks_) / 2, blocks_.end());
  const std::string text = Print("J");
  HeapDetails details;
  ReadDetails(mallctl_, {.extents = true}, &details);
  const auto json = nlohmann::json::parse(text)["jemalloc"];
  const auto& merged = json["stats.arenas"]["merged"];
  const auto page = json["arenas"]["page"].get<std::uint64_t>();
  ASSERT_TRUE(details.sets.extents);
  EXPECT_LE(merged["extents"].size(), kMaxExtents);
  std::size_t row = 0;
  for (const auto& extents : merged["extents"]) {
    if (extents["ndirty"] == 0 && extents["nmuzzy"] == 0 &&
        extents["nretained"] == 0) {
      continue;
    }
    ASSERT_LT(row, details.extents.size());
    const ExtentDetails& found = details.extents[row++];
    EXPECT_EQ(found.dirty, extents["ndirty"]);
    EXPECT_EQ(found.dirty_bytes, extents["dirty_bytes"]);
    EXPECT_EQ(found.muzzy, extents["nmuzzy"]);
    EXPECT_EQ(found.muzzy_bytes, extents["muzzy_bytes"]);
    EXPECT_EQ(found.retained, extents["nretained"]);
    EXPECT_EQ(found.retained_bytes, extents["retained_bytes"]);
  }
  EXPECT_EQ(row, details.extents.size());
  EXPECT_GT(row, 1);
  // Extents are of the smallest class that is not smaller.
  std::uint64_t dirty = 0;
  std::uint64_t muzzy = 0;
  for (const ExtentDetails& extents : details.extents) {
    dirty += extents.dirty_bytes;
    muzzy += extents.muzzy_bytes;
    const std::uint64_t count =
        extents.dirty + extents.muzzy + extents.retained;
    const std::uint64_t bytes =
        extents.dirty_bytes + extents.muzzy_bytes + extents.retained_bytes;
    EXPECT_LE(bytes, count * extents.size);
    EXPECT_GT(bytes, count * extents.size * 3 / 4);
  }
  EXPECT_EQ(dirty, merged["pdirty"].get<std::uint64_t>() * page);
  EXPECT_EQ(muzzy, merged["pmuzzy"].get<std::uint64_t>() * page);
}

TEST_P(DetailsOfJemalloc, AllocatesNothing) {
  Allocate(GetParam());
  const auto details = std::make_unique<HeapDetails>();
  TakeHeapSnapshot(mallctl_, HeapDetailSets::All(), details.get());
  const auto before = ReadValue<std::uint64_t>("thread.allocated");
  const auto small =
      ReadValue<std::uint64_t>("stats.arenas.4096.small.nmalloc");
  const auto large =
      ReadValue<std::uint64_t>("stats.arenas.4096.large.nmalloc");
  for (int i = 0; i < 100; ++i) {
    TakeHeapSnapshot(mallctl_, HeapDetailSets::All(), details.get());
  }
  EXPECT_EQ(ReadValue<std::uint64_t>("thread.allocated"), before);
  EXPECT_EQ(ReadValue<std::uint64_t>("stats.arenas.4096.small.nmalloc"), small);
  EXPECT_EQ(ReadValue<std::uint64_t>("stats.arenas.4096.large.nmalloc"), large);
}

// Whether no counter is less than before.
bool IsAtLeast(const HeapDetails& after, const HeapDetails& before) {
  std::map<std::uint64_t, std::uint64_t> requests;
  for (const SizeDetails& size : after.sizes) {
    requests[size.size] = size.requests;
  }
  for (const SizeDetails& size : before.sizes) {
    if (requests[size.size] < size.requests) return false;
  }
  for (std::size_t i = 0; i < kHeapLockCount; ++i) {
    for (const auto counter : {&LockDetails::acquisitions, &LockDetails::waits,
                               &LockDetails::wait_nanoseconds}) {
      if (after.locks[i].*counter < before.locks[i].*counter) return false;
    }
  }
  return after.sets == before.sets;
}

// In a child process: objects of a destroyed arena may be in caches of threads.
TEST_P(DetailsOfJemalloc, HasCountersThatNeverDecreaseWithAnArena) {
  const auto destroy = [this] {
    const auto before = std::make_unique<HeapDetails>();
    const auto after = std::make_unique<HeapDetails>();
    Allocate(GetParam());
    blocks_.clear();
    Call("thread.tcache.flush");
    TakeHeapSnapshot(mallctl_, HeapDetailSets::All(), before.get());
    for (const unsigned arena : arenas_) {
      Call("arena." + std::to_string(arena) + ".destroy");
    }
    TakeHeapSnapshot(mallctl_, HeapDetailSets::All(), after.get());
    const bool is_destroyed = ReadValue<bool>("arena.4097.initialized");
    _exit(is_destroyed && IsAtLeast(*after, *before) ? 0 : 1);
  };
  EXPECT_EXIT(destroy(), testing::ExitedWithCode(0), "");
}

INSTANTIATE_TEST_SUITE_P(Arenas, DetailsOfJemalloc, testing::Values(1, 8));

}  // namespace
}  // namespace jemalloc_exporter
