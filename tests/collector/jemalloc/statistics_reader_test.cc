#include "collector/jemalloc/statistics_reader.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <functional>
#include <limits>
#include <set>
#include <string>
#include <utility>

#include "collector/jemalloc/heap_snapshot.h"
#include "tests/support/fake_jemalloc.h"

namespace jemalloc_exporter {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::Not;
using testing::UnorderedElementsAre;
using Keys = std::set<std::string>;

constexpr std::uint64_t kNarenas = 64;
constexpr std::uint64_t kPage = 4096;

HeapStatistics Read() { return ReadStatistics(FakeMallctl, kNarenas); }

Keys AbsentKeys(const HeapStatistics& statistics) {
  Keys absent;
  for (const HeapStatistic& row : kHeapStatistics) {
    if (!(statistics.*row.value)) absent.insert(std::string(row.key));
  }
  absent.erase("refresh_nanoseconds");  // Of the snapshot.
  return absent;
}

Keys PresentKeys(const HeapStatistics& statistics) {
  Keys present;
  for (const HeapStatistic& row : kHeapStatistics) {
    if (statistics.*row.value) present.insert(std::string(row.key));
  }
  return present;
}

// The values that are computed from one that is read. A test makes sure that
// none is missing.
Keys ComputedFrom(const std::string& mallctl) {
  if (mallctl == "arenas.page") {
    return {"dirty_bytes", "muzzy_bytes", "dirty_purged_bytes",
            "muzzy_purged_bytes", "large_padding_bytes"};
  }
  if (mallctl == "arenas.nbins") return {"lock_waits", "lock_wait_nanoseconds"};
  if (mallctl.find(".num_wait") != std::string::npos) return {"lock_waits"};
  if (mallctl.find(".total_wait_time") != std::string::npos) {
    return {"lock_wait_nanoseconds"};
  }
  if (mallctl.find("large.nmalloc") != std::string::npos ||
      mallctl.find("large.ndalloc") != std::string::npos) {
    return {"large_padding_bytes"};
  }
  const bool is_arena = mallctl.rfind("arena.", 0) == 0;
  if (is_arena && mallctl != "arena.4097.initialized") {
    return {"arenas_initialized"};
  }
  return {};
}

// What must be missing when one value cannot be read.
Keys MissingWithout(const std::string& mallctl) {
  Keys missing = ComputedFrom(mallctl);
  for (const HeapStatistic& row : kHeapStatistics) {
    if (row.mallctl != nullptr && row.mallctl == mallctl)
      missing.insert(std::string(row.key));
  }
  return missing;
}

// Calls `test` with each name that is read.
void ForEachName(const std::function<void(const std::string&)>& test) {
  std::set<std::string> names;
  {
    const FakeJemalloc fake;
    Read();
    names = {fake.calls.begin(), fake.calls.end()};
  }
  ASSERT_THAT(names, Not(IsEmpty()));
  for (const std::string& name : names) test(name);
}

TEST(ReadStatistics, ReadsEveryRow) {
  const FakeJemalloc fake;
  const HeapStatistics statistics = Read();
  EXPECT_THAT(AbsentKeys(statistics), IsEmpty());
  for (const HeapStatistic& row : kHeapStatistics) {
    if (row.mallctl == nullptr) continue;
    const std::uint64_t scale = row.unit == MallctlUnit::kPages ? kPage : 1;
    EXPECT_EQ(statistics.*row.value, scale * fake.values.at(row.mallctl))
        << row.key;
  }
}

TEST(ReadStatistics, OmitsOnlyWhatCannotBeRead) {
  ForEachName([](const std::string& name) {
    FakeJemalloc fake;
    fake.errors[name] = EAGAIN;
    EXPECT_EQ(AbsentKeys(Read()), MissingWithout(name)) << name;
  });
}

TEST(ReadStatistics, OmitsOnlyWhatIsPartlyWritten) {
  ForEachName([](const std::string& name) {
    FakeJemalloc fake;
    fake.narrow = name;
    EXPECT_EQ(AbsentKeys(Read()), MissingWithout(name)) << name;
  });
}

TEST(ReadStatistics, OmitsOnlyWhatHasAnotherSize) {
  ForEachName([](const std::string& name) {
    FakeJemalloc fake;
    fake.missized = name;
    EXPECT_EQ(AbsentKeys(Read()), MissingWithout(name)) << name;
  });
}

// The keys of jemalloc 5.3.0 with `--disable-stats`. FakeMallctl ends the
// process for `uptime` and `background_thread`, as that build does.
TEST(ReadStatistics, ReadsPagesThreadsAndArenasOfABuildWithoutStatistics) {
  FakeJemalloc fake;
  std::erase_if(fake.values, [](const auto& value) {
    const std::string& name = value.first;
    return name.rfind("stats.", 0) == 0 && name != "stats.arenas.4096.pdirty" &&
           name != "stats.arenas.4096.pmuzzy" &&
           name != "stats.arenas.4096.nthreads";
  });
  EXPECT_THAT(PresentKeys(Read()),
              UnorderedElementsAre("dirty_bytes", "muzzy_bytes", "threads",
                                   "arenas_initialized"));
  EXPECT_FALSE(ReadOptions(FakeMallctl).empty());
}

TEST(ReadStatistics, ReadsOneKeyOfDestroyedArenasBeforeThereAreAny) {
  const FakeJemalloc fake;
  Read();
  std::vector<std::string> destroyed;
  for (const std::string& call : fake.calls) {
    if (call.find("4097") != std::string::npos) destroyed.push_back(call);
  }
  EXPECT_THAT(destroyed, ElementsAre("arena.4097.initialized"));
}

TEST(ReadStatistics, AddsDestroyedArenasToCounters) {
  FakeJemalloc fake;
  const HeapStatistics before = Read();
  fake.DestroyArenas(100);
  const HeapStatistics after = Read();
  for (const HeapStatistic& row : kHeapStatistics) {
    if (row.mallctl == nullptr) continue;
    std::uint64_t added = IncludesDestroyedArenas(row) ? 100 : 0;
    if (row.unit == MallctlUnit::kPages) added *= kPage;
    EXPECT_EQ(after.*row.value, *(before.*row.value) + added) << row.key;
  }
  // 2 bins and 9 others in the arenas, 2 of the process.
  EXPECT_EQ(before.lock_waits, 3 * 13);
  EXPECT_EQ(after.lock_waits, 3 * 24);
  EXPECT_EQ(before.lock_wait_nanoseconds, 500'000'000ULL * 13);
  EXPECT_EQ(after.lock_wait_nanoseconds, 500'000'000ULL * 24);
  EXPECT_EQ(after.large_padding_bytes, before.large_padding_bytes);
}

// The sum would be smaller than the last one.
TEST(ReadStatistics, OmitsACounterWithoutThatOfDestroyedArenas) {
  FakeJemalloc fake;
  fake.DestroyArenas(100);
  fake.values.erase("stats.arenas.4097.small.nrequests");
  fake.errors["stats.arenas.4097.mutexes.base.num_wait"] = EAGAIN;
  EXPECT_EQ(AbsentKeys(Read()), (Keys{"small_requests", "lock_waits"}));
}

TEST(ReadStatistics, LeavesOutALockThatThisVersionDoesNotHave) {
  FakeJemalloc fake;
  fake.values.erase("stats.arenas.4096.mutexes.extent_avail.num_wait");
  EXPECT_EQ(Read().lock_waits, 3 * 12);
}

// jemalloc counts a wait together with its time.
TEST(ReadStatistics, ReadsNoWaitTimeOfLocksWithoutWaits) {
  FakeJemalloc fake;
  const std::string waited = "stats.arenas.4096.bins.1.mutex.";
  for (auto& [name, value] : fake.values) {
    if (name.ends_with(".num_wait") && !name.starts_with(waited)) value = 0;
  }
  const HeapStatistics statistics = Read();
  EXPECT_EQ(statistics.lock_waits, 3);
  EXPECT_EQ(statistics.lock_wait_nanoseconds, 500'000'000);
  std::vector<std::string> times;
  for (const std::string& call : fake.calls) {
    if (call.ends_with(".total_wait_time")) times.push_back(call);
  }
  EXPECT_THAT(times, ElementsAre(waited + "total_wait_time"));
}

TEST(ReadStatistics, HasAWaitTimeOfZeroWithoutWaits) {
  FakeJemalloc fake;
  for (auto& [name, value] : fake.values) {
    if (name.ends_with(".num_wait")) value = 0;
  }
  const HeapStatistics statistics = Read();
  EXPECT_EQ(statistics.lock_waits, 0);
  EXPECT_EQ(statistics.lock_wait_nanoseconds, 0);
}

TEST(ReadStatistics, LimitsTheNumberOfBins) {
  FakeJemalloc fake;
  fake.values["arenas.nbins"] = std::numeric_limits<unsigned>::max();
  EXPECT_EQ(AbsentKeys(Read()), (Keys{"lock_waits", "lock_wait_nanoseconds"}));
}

TEST(LargePadding, IsAPageForEachLiveAllocation) {
  FakeJemalloc fake;
  fake.values["stats.arenas.4096.large.nmalloc"] = 1010;
  fake.values["stats.arenas.4096.large.ndalloc"] = 10;
  EXPECT_EQ(Read().large_padding_bytes, 1000 * kPage);
}

TEST(LargePadding, IsZeroWhereLessWasAllocatedThanFreed) {
  FakeJemalloc fake;
  fake.values["stats.arenas.4096.large.nmalloc"] = 10;
  fake.values["stats.arenas.4096.large.ndalloc"] = 11;
  EXPECT_EQ(Read().large_padding_bytes, 0);
}

TEST(LargePadding, IsZeroWithoutTheOptionCacheOblivious) {
  FakeJemalloc fake;
  fake.values["stats.arenas.4096.large.nmalloc"] = 1000;
  fake.values["opt.cache_oblivious"] = 0;
  EXPECT_EQ(Read().large_padding_bytes, 0);
  fake.values.erase("opt.cache_oblivious");
  EXPECT_GT(Read().large_padding_bytes, 0);
  fake.values["config.cache_oblivious"] = 0;
  EXPECT_EQ(Read().large_padding_bytes, 0);
  fake.values.erase("config.cache_oblivious");
  EXPECT_EQ(Read().large_padding_bytes, std::nullopt);
}

TEST(InitializedArenas, AreCountedUpToTheLimit) {
  FakeJemalloc fake;
  EXPECT_EQ(Read().arenas_initialized, 2);
  EXPECT_EQ(ReadStatistics(FakeMallctl, 1).arenas_initialized, 1);
  EXPECT_EQ(ReadStatistics(FakeMallctl, std::nullopt).arenas_initialized,
            std::nullopt);
  fake.calls.clear();
  EXPECT_EQ(
      ReadStatistics(FakeMallctl, std::numeric_limits<std::uint64_t>::max())
          .arenas_initialized,
      std::nullopt);
  EXPECT_THAT(fake.calls, Not(Contains("arena.0.initialized")));
}

TEST(ReadOptions, ReadsEveryOptionAsText) {
  FakeJemalloc fake;
  fake.values["arenas.dirty_decay_ms"] = static_cast<std::uint64_t>(-1);
  fake.values["opt.retain"] = 0;
  fake.values["opt.oversize_threshold"] =
      std::numeric_limits<std::uint64_t>::max();
  std::vector<std::string> texts;
  for (const HeapOptionValue& value : ReadOptions(FakeMallctl).values) {
    texts.emplace_back(value.view());
  }
  EXPECT_THAT(texts,
              ElementsAre("5.3.0-0-g54eaed1d", "-1", "1", "1", "true", "1",
                          "false", "default", "default", "default",
                          "18446744073709551615", "true", "true", "true"));
}

TEST(ReadOptions, OmitsOnlyWhatCannotBeRead) {
  for (std::size_t i = 0; i < kHeapOptionCount; ++i) {
    HeapOptions expected;
    FakeJemalloc fake;
    expected = ReadOptions(FakeMallctl);
    expected.values[i] = {};
    fake.errors[kHeapOptions[i].mallctl] = EAGAIN;
    EXPECT_TRUE(ReadOptions(FakeMallctl) == expected) << i;
    fake.errors.clear();
    fake.missized = kHeapOptions[i].mallctl;
    EXPECT_TRUE(ReadOptions(FakeMallctl) == expected) << i;
  }
}

TEST(ReadOptions, BoundsAndReplacesTexts) {
  FakeJemalloc fake;
  const std::string longest(1000, 'x');
  fake.SetText("version", longest.c_str());
  fake.SetText("opt.thp", "\x1B\"");
  fake.SetText("opt.metadata_thp", nullptr);
  const HeapOptions options = ReadOptions(FakeMallctl);
  EXPECT_EQ(options.values[0].view(), std::string(32, 'x'));
  EXPECT_EQ(options.values[7].view(), "??");
  EXPECT_TRUE(options.values[8].empty());
}

TEST(TakeHeapSnapshot, ReadsStatisticsAndOptionsOfTheSameEpoch) {
  const FakeJemalloc fake;
  const HeapSnapshot snapshot = TakeHeapSnapshot(FakeMallctl);
  EXPECT_THAT(AbsentKeys(snapshot.statistics), IsEmpty());
  EXPECT_NE(snapshot.statistics.refresh_nanoseconds, std::nullopt);
  EXPECT_FALSE(snapshot.options.empty());
  EXPECT_THAT(fake.calls, Contains("epoch =").Times(1));
}

TEST(TakeHeapSnapshot, ReadsStatisticsAgainWhenAnotherThreadRefreshed) {
  FakeJemalloc fake;
  fake.foreign_refreshes = 1;
  TakeHeapSnapshot(FakeMallctl);
  EXPECT_THAT(fake.calls, Contains("stats.retained").Times(2));
}

}  // namespace
}  // namespace jemalloc_exporter
