#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <prometheus/text_serializer.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <new>
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

using testing::IsEmpty;
using testing::Not;

std::string Page(const HeapCollectable& heap) {
  return prometheus::TextSerializer().Serialize(heap.Collect());
}

TEST(HeapCollectable, HasAGaugeForEachField) {
  const FakeJemalloc fake;
  ExpectGolden(Page(HeapCollectable({}, FakeMallctl)), "heap.txt");
}

TEST(HeapCollectable, GivesEveryGaugeItsLabels) {
  const FakeJemalloc fake;
  const HeapCollectable heap({{"pid", "7"}, {"comm", "re\"dis"}}, FakeMallctl);
  ExpectGolden(Page(heap), "heap_labelled.txt");
}

TEST(HeapCollectable, LeavesOutTheFamilyOfAnAbsentField) {
  FakeJemalloc fake;
  fake.values.erase("stats.active");
  fake.values.erase("arenas.narenas");
  ExpectGolden(Page(HeapCollectable({}, FakeMallctl)), "heap_with_holes.txt");
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
