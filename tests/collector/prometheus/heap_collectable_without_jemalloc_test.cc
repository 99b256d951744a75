#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <prometheus/text_serializer.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <new>
#include <regex>
#include <string>

#include "jemalloc_exporter/heap_collectable.h"
#include "tests/support/fake_jemalloc.h"
#include "tests/support/golden.h"

namespace {
bool out_of_memory = false;
}

// Not inlined: GCC would see memory of malloc(3) in operator delete, and that
// of operator new in free(3).
[[gnu::noinline]] void* operator new(std::size_t size) {
  void* const block = out_of_memory ? nullptr : std::malloc(size);
  if (block == nullptr) throw std::bad_alloc();
  return block;
}
[[gnu::noinline]] void operator delete(void* block) noexcept {
  std::free(block);
}
[[gnu::noinline]] void operator delete(void* block, std::size_t) noexcept {
  std::free(block);
}

namespace jemalloc_exporter {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

std::string Page(const HeapCollectable& heap) {
  return prometheus::TextSerializer().Serialize(heap.Collect());
}

// Without the time that a refresh took.
std::string Masked(const HeapCollectable& heap) {
  return std::regex_replace(
      Page(heap), std::regex("(\njemalloc_refresh_seconds.*) .*"), "$1 TIME");
}

TEST(HeapCollectable, HasAGaugeForEachField) {
  const FakeJemalloc fake;
  ExpectGolden(Masked(HeapCollectable({}, FakeMallctl)), "heap.txt");
}

TEST(HeapCollectable, GivesEveryGaugeItsLabels) {
  const FakeJemalloc fake;
  const HeapCollectable heap({{"pid", "7"}, {"comm", "re\"dis"}}, FakeMallctl);
  const std::string labels = R"(comm="re\"dis",pid="7")";
  std::string expected = ReadGolden("heap.txt");
  expected = std::regex_replace(expected, std::regex("\n(\\w+)\\{"),
                                "\n$1{" + labels + ",");
  expected = std::regex_replace(expected, std::regex("\n(\\w+) "),
                                "\n$1{" + labels + "} ");
  EXPECT_EQ(Masked(heap), expected);
}

TEST(HeapCollectable, HasTheEnabledGroups) {
  const FakeJemalloc fake;
  const auto collect = [](HeapCollectors collectors) {
    return Page(
        HeapCollectable(HeapCollectableOptions{{}, FakeMallctl, collectors}));
  };
  EXPECT_THAT(collect({}), HasSubstr("_total"));
  EXPECT_THAT(collect({}), HasSubstr("_info"));
  const std::string heap = collect({true, false, false});
  EXPECT_THAT(heap, HasSubstr("jemalloc_allocated_bytes"));
  const std::string activity = collect({false, true, false});
  EXPECT_THAT(activity, HasSubstr("jemalloc_threads"));
  EXPECT_THAT(activity, Not(HasSubstr("jemalloc_allocated_bytes")));
  EXPECT_THAT(activity, Not(HasSubstr("jemalloc_large_padding_bytes")));
  EXPECT_THAT(heap, HasSubstr("jemalloc_large_padding_bytes"));
  EXPECT_THAT(heap, Not(HasSubstr("_total")));
  EXPECT_THAT(heap, Not(HasSubstr("_info")));
  EXPECT_THAT(collect({true, true, false}), Not(HasSubstr("_info")));
  EXPECT_THAT(collect({true, true, false}), HasSubstr("_total"));
  EXPECT_THAT(collect({true, false, true}), Not(HasSubstr("_total")));
  EXPECT_THAT(collect({true, false, true}), HasSubstr("_info"));
}

TEST(HeapCollectable, RenamesItsLabelsThatTheProgramHas) {
  const FakeJemalloc fake;
  const HeapCollectable heap({{"version", "1.2"}, {"state", "new"}},
                             FakeMallctl);
  const std::string page = Page(heap);
  EXPECT_THAT(page, HasSubstr(R"({state="new",version="1.2",)"
                              R"(jemalloc_version="5.3.0-0-g54eaed1d",)"));
  EXPECT_THAT(page, HasSubstr("jemalloc_purges_total{state=\"new\",version="
                              "\"1.2\",jemalloc_state=\"dirty\"}"));
}

TEST(HeapCollectable, HasSecondsOfNanoseconds) {
  const FakeJemalloc fake;
  EXPECT_THAT(Page(HeapCollectable({}, FakeMallctl)),
              HasSubstr("jemalloc_lock_wait_seconds_total 6.5\n"));
}

TEST(HeapCollectable, LeavesOutTheFamilyOfAnAbsentField) {
  FakeJemalloc fake;
  fake.values.erase("stats.active");
  fake.values.erase("arenas.narenas");
  std::string expected = ReadGolden("heap.txt");
  for (const std::string name :
       {"active_bytes", "arenas", "arenas_initialized"}) {
    const std::regex family("# HELP jemalloc_" + name + " (.*\n){3}");
    ASSERT_TRUE(std::regex_search(expected, family)) << name;
    expected = std::regex_replace(expected, family, "");
  }
  EXPECT_EQ(Masked(HeapCollectable({}, FakeMallctl)), expected);
}

TEST(HeapCollectable, IsEmptyForAnUnusedJemalloc) {
  FakeJemalloc fake;
  fake.values["stats.allocated"] = 28'672;
  EXPECT_THAT(HeapCollectable({}, FakeMallctl).Collect(), IsEmpty());
}

TEST(HeapCollectable, IsEmptyWithoutJemalloc) {
  EXPECT_THAT(HeapCollectable({}, nullptr).Collect(), IsEmpty());
  EXPECT_THAT(HeapCollectable().Collect(), IsEmpty());
}

TEST(HeapCollectable, IsEmptyWithoutMemory) {
  // Unlike the fake, it needs no memory itself.
  constexpr auto kFrugal = [](const char* name, void* oldp, std::size_t* size,
                              void*, std::size_t) {
    if (std::strncmp(name, "opt", 3) == 0) return ENOENT;
    if (std::strcmp(name, "version") == 0) return ENOENT;
    std::memset(oldp, std::strstr(name, "internal") == nullptr ? 1 : 0, *size);
    return 0;
  };
  const HeapCollectable heap({}, kFrugal);
  ASSERT_THAT(heap.Collect(), Not(IsEmpty()));
  out_of_memory = true;
  const auto families = heap.Collect();
  out_of_memory = false;
  EXPECT_THAT(families, IsEmpty());
}

}  // namespace
}  // namespace jemalloc_exporter
