#include "collector/jemalloc/details_reader.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cerrno>
#include <string>
#include <vector>

#include "collector/jemalloc/heap_snapshot.h"
#include "collector/text/details_json.h"
#include "tests/support/fake_jemalloc.h"
#include "tests/support/sample_details.h"

namespace jemalloc_exporter {
namespace {

using testing::AllOf;
using testing::Contains;
using testing::Each;
using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

constexpr HeapDetailSets kAll = HeapDetailSets::All();

// A jemalloc of two bins and two large classes. Each lock was acquired 9 times.
struct FakeDetails : FakeJemalloc {
  FakeDetails() {
    values["arenas.nlextents"] = 2;
    const std::uint64_t bins[][6] = {{8, 512, 4096, 100, 2, 1000},
                                     {16, 256, 4096, 10, 1, 50}};
    for (int i = 0; i < 2; ++i) {
      const std::string constants = "arenas.bin." + std::to_string(i);
      const std::string statistics =
          "stats.arenas.4096.bins." + std::to_string(i);
      values[constants + ".size"] = bins[i][0];
      values[constants + ".nregs"] = bins[i][1];
      values[constants + ".slab_size"] = bins[i][2];
      values[statistics + ".curregs"] = bins[i][3];
      values[statistics + ".curslabs"] = bins[i][4];
      values[statistics + ".nrequests"] = bins[i][5];
      values["arenas.lextent." + std::to_string(i) + ".size"] = 16'384 << i;
      values["stats.arenas.4096.lextents." + std::to_string(i) + ".nrequests"] =
          i == 0 ? 7 : 0;
    }
    AddAcquisitions("stats.arenas.4096.");
    for (const std::string_view mutex : kProcessMutexes) {
      values["stats.mutexes." + std::string(mutex) + ".num_ops"] = 9;
    }
    values["opt.hpa"] = 0;
    values["opt.prof"] = 0;
    for (const char* arena : {"0", "1"}) {
      const std::string prefix = "stats.arenas." + std::string(arena);
      values[prefix + ".pactive"] = 2;
      values[prefix + ".pdirty"] = 1;
      values[prefix + ".small.allocated"] = 500;
      values[prefix + ".large.allocated"] = 0;
      values[prefix + ".nthreads"] = 1;
    }
    for (int i = 0; i < 10; ++i) AddExtents(i, {0, 0, 0, 0, 0, 0});
    AddExtents(0, {1, 4096, 0, 0, 0, 0});
    AddExtents(9, {0, 0, 2, 98'304, 1, 53'248});
  }

  void AddExtents(int index, const std::uint64_t (&numbers)[6]) {
    const std::string prefix =
        "stats.arenas.4096.extents." + std::to_string(index) + ".";
    int i = 0;
    for (const char* const key :
         {"ndirty", "dirty_bytes", "nmuzzy", "muzzy_bytes", "nretained",
          "retained_bytes"}) {
      values[prefix + key] = numbers[i++];
    }
  }

  void AddAcquisitions(const std::string& arenas) {
    for (const char* bin : {"0", "1"}) {
      values[arenas + "bins." + bin + ".mutex.num_ops"] = 9;
    }
    for (const std::string_view mutex : kArenaMutexes) {
      values[arenas + "mutexes." + std::string(mutex) + ".num_ops"] = 9;
    }
  }

  void Destroy() {
    DestroyArenas(0);
    AddAcquisitions("stats.arenas.4097.");
    for (const char* bin : {"0", "1"}) {
      values["stats.arenas.4097.bins." + std::string(bin) + ".nrequests"] = 3;
    }
    values["stats.arenas.4097.lextents.0.nrequests"] = 5;
    values["stats.arenas.4097.lextents.1.nrequests"] = 6;
  }
};

std::string Read(HeapDetailSets requested = kAll) {
  HeapDetails details;
  ReadDetails(FakeMallctl, requested, &details);
  return DetailsJson(details);
}

TEST(ReadDetails, ReadsEverySet) {
  const FakeDetails fake;
  EXPECT_EQ(
      Read(),
      R"(,"bins":{"columns":["size","slots","slab_bytes","live","slabs",)"
      R"("requests"],"rows":[[8,512,4096,100,2,1000],[16,256,4096,10,1,50]]},)"
      R"("sizes":{"columns":["size","requests"],)"
      R"("rows":[[8,1000],[16,50],[16384,7]]},)"
      R"("locks":{"bins":[18,6,1000000000],"large":[9,3,500000000],)"
      R"("extent_avail":[9,3,500000000],"extents_dirty":[9,3,500000000],)"
      R"("extents_muzzy":[9,3,500000000],"extents_retained":[9,3,500000000],)"
      R"("decay_dirty":[9,3,500000000],"decay_muzzy":[9,3,500000000],)"
      R"("base":[9,3,500000000],"tcache_list":[9,3,500000000],)"
      R"("background_thread":[9,3,500000000],"ctl":[9,3,500000000]},)"
      R"("arenas":{"columns":["arena","active_bytes","dirty_bytes",)"
      R"("small_allocated_bytes","large_allocated_bytes","threads"],)"
      R"("rows":[[0,8192,4096,500,0,1],[1,8192,4096,500,0,1]]},)"
      R"("extents":{"columns":["size","dirty","dirty_bytes","muzzy",)"
      R"("muzzy_bytes","retained","retained_bytes"],)"
      R"("rows":[[4096,1,4096,0,0,0,0],[49152,0,0,2,98304,1,53248]]})");
}

TEST(ReadDetails, ReadsNothingThatIsNotRequested) {
  FakeDetails fake;
  EXPECT_EQ(Read({}), "");
  EXPECT_TRUE(fake.calls.empty());
  EXPECT_THAT(Read({.locks = true}),
              AllOf(StartsWith(R"(,"locks":{)"), Not(HasSubstr("rows"))));
  EXPECT_THAT(fake.calls, Each(Not(HasSubstr("nrequests"))));
}

TEST(ReadDetails, AddsDestroyedArenasToCountersOnly) {
  FakeDetails fake;
  fake.Destroy();
  const std::string details = Read();
  EXPECT_THAT(details, HasSubstr("[8,512,4096,100,2,1003]"));
  EXPECT_THAT(details, HasSubstr("[[8,1003],[16,53],[16384,12],[32768,6]]"));
  EXPECT_THAT(
      details,
      HasSubstr(R"("bins":[36,12,2000000000],"large":[18,6,1000000000])"));
  EXPECT_THAT(details, HasSubstr(R"("ctl":[9,3,500000000])"));
}

TEST(ReadDetails, ReadsNothingOfDestroyedArenasBeforeTheFirst) {
  FakeDetails fake;
  Read();
  EXPECT_THAT(fake.calls, Contains("arena.4097.initialized"));
  std::erase(fake.calls, "arena.4097.initialized");
  EXPECT_THAT(fake.calls, Each(Not(HasSubstr("4097"))));
}

TEST(ReadDetails, LeavesOutUnusedClasses) {
  FakeDetails fake;
  for (const char* key : {"curregs", "curslabs", "nrequests"}) {
    fake.values["stats.arenas.4096.bins.1." + std::string(key)] = 0;
  }
  EXPECT_THAT(Read({.bins = true}),
              HasSubstr(R"("rows":[[8,512,4096,100,2,1000]])"));
}

// One key after the other is unknown, of another size, or fails.
TEST(ReadDetails, LeavesOutOnlyWhatDependsOnAKeyThatFails) {
  std::vector<std::string> keys;
  std::string complete;
  {
    FakeDetails fake;
    complete = Read();
    keys = fake.calls;
  }
  std::sort(keys.begin(), keys.end());
  keys.erase(std::unique(keys.begin(), keys.end()), keys.end());
  for (const std::string& key : keys) {
    for (const char* const failure :
         {"unknown", "narrow", "missized", "error"}) {
      FakeDetails fake;
      if (*failure == 'u') fake.values.erase(key);
      if (*failure == 'n') fake.narrow = key;
      if (*failure == 'm') fake.missized = key;
      if (*failure == 'e') fake.errors[key] = EFAULT;
      const std::string details = Read();
      const bool is_size = key.find("nrequests") != key.npos ||
                           key.find("arenas.lextent.0") != key.npos ||
                           key.find("bin.0.size") != key.npos ||
                           key.find("bin.1.size") != key.npos ||
                           key == "arenas.nbins" || key == "arenas.nlextents";
      EXPECT_EQ(details.find(R"("sizes")") == details.npos, is_size)
          << failure << " " << key;
      EXPECT_EQ(details.find(R"("bins":{)") == details.npos,
                key == "arenas.nbins")
          << failure << " " << key;
      EXPECT_EQ(details.find(R"("arenas":)") == details.npos,
                key == "arenas.narenas")
          << failure << " " << key;
      EXPECT_EQ(details.find(R"("extents":)") == details.npos,
                (key.find(".extents.") != key.npos &&
                 key.find(".extents.10.") == key.npos) ||
                    key == "arenas.page")
          << failure << " " << key;
      EXPECT_THAT(details, HasSubstr(R"("locks")"));
      const bool has_no_effect = key == "opt.hpa" || key == "opt.prof" ||
                                 key == "arena.4097.initialized" ||
                                 key.ends_with("0.initialized") ||
                                 key.find("nlextents") != key.npos ||
                                 key.find(".extents.10.") != key.npos;
      if (!has_no_effect && key.find("initialized") == key.npos) {
        EXPECT_NE(details, complete) << failure << " " << key;
      }
    }
  }
}

TEST(ReadDetails, ReadsMutexesOfOptionsOnlyWithTheOption) {
  FakeDetails fake;
  fake.AddLock("stats.mutexes.prof");
  fake.AddLock("stats.arenas.4096.mutexes.hpa_sec");
  Read();
  EXPECT_THAT(fake.calls, Each(Not(HasSubstr("mutexes.prof"))));
  EXPECT_THAT(fake.calls, Each(Not(HasSubstr("mutexes.hpa"))));
  fake.values["opt.prof"] = 1;
  fake.values["opt.hpa"] = 1;
  const std::string details = Read();
  EXPECT_THAT(details, HasSubstr(R"("prof":[null,3,500000000])"));
  EXPECT_THAT(details, HasSubstr(R"("hpa_sec":[null,3,500000000])"));
}

TEST(ReadDetails, ReadsTheFirst64InitializedArenas) {
  FakeDetails fake;
  fake.values["arenas.narenas"] = 200;
  for (int i = 0; i < 200; ++i) {
    fake.values["arena." + std::to_string(i) + ".initialized"] = i % 2;
  }
  HeapDetails details;
  ReadDetails(FakeMallctl, {.arenas = true}, &details);
  ASSERT_EQ(details.arenas.size(), 64);
  EXPECT_EQ(details.arenas[0].arena, 1);
  EXPECT_EQ(details.arenas[63].arena, 127);
  EXPECT_EQ(details.arenas[63].threads, std::nullopt);
}

TEST(ReadDetails, HasNoSetInABuildWithoutStatistics) {
  FakeDetails fake;
  std::erase_if(fake.values, [](const auto& value) {
    return value.first.starts_with("stats.");
  });
  EXPECT_EQ(Read({.bins = true, .sizes = true, .locks = true, .extents = true}),
            "");
}

TEST(ReadDetails, HasNoSetWithMoreClassesThanTheMaximum) {
  FakeDetails fake;
  fake.values["arenas.nbins"] = kMaxBins + 1;
  EXPECT_EQ(Read({.bins = true}), "");
  fake.values["arenas.nbins"] = 2;
  fake.values["arenas.nlextents"] = kMaxSizes - 1;
  EXPECT_EQ(Read({.sizes = true}), "");
  fake.values["arenas.nlextents"] = 0xFFFF'FFFF;
  EXPECT_EQ(Read({.sizes = true}), "");
}

TEST(TakeHeapSnapshot, ReadsDetailsOfTheSameRefresh) {
  FakeDetails fake;
  HeapDetails details;
  const HeapSnapshot snapshot = TakeHeapSnapshot(FakeMallctl, kAll, &details);
  EXPECT_EQ(snapshot.state, HeapState::test_fixture());
  EXPECT_TRUE(details.sets == kAll);
  EXPECT_THAT(fake.calls, Contains("epoch =").Times(1));
  EXPECT_EQ(fake.calls.front(), "epoch =");
  EXPECT_EQ(fake.calls.back(), "epoch");
}

TEST(TakeHeapSnapshot, ReadsDetailsAgainWhenAnotherThreadRefreshed) {
  FakeDetails fake;
  fake.foreign_refreshes = 1;
  HeapDetails details;
  TakeHeapSnapshot(FakeMallctl, {.sizes = true}, &details);
  EXPECT_THAT(fake.calls, Contains("arenas.nlextents").Times(2));
  EXPECT_EQ(details.sizes.size(), 3);
}

TEST(TakeHeapSnapshot, HasNoDetailsOfAnUnusedHeap) {
  FakeDetails fake;
  fake.values["stats.allocated"] = 28'672;
  fake.values["stats.arenas.4096.internal"] = 28'672;
  HeapDetails details = SampleDetails();
  EXPECT_FALSE(TakeHeapSnapshot(FakeMallctl, kAll, &details).used);
  EXPECT_FALSE(details.sets.any());
}

TEST(TakeHeapSnapshot, HasNoDetailsWhenTheEpochCannotBeAdvanced) {
  FakeDetails fake;
  fake.epoch_fails = true;
  HeapDetails details = SampleDetails();
  TakeHeapSnapshot(FakeMallctl, kAll, &details);
  EXPECT_FALSE(details.sets.any());
}

}  // namespace
}  // namespace jemalloc_exporter
