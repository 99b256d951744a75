#include "exporter/profile/heap_dump.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstddef>
#include <fstream>
#include <sstream>
#include <string>

namespace jemalloc_exporter {
namespace {

using testing::AllOf;
using testing::DoubleNear;
using testing::ElementsAre;
using testing::Field;
using testing::IsEmpty;
using testing::SizeIs;

// Of jemalloc 5.3.0 with prof_accum:true, less some of its maps.
std::string ReadGolden() {
  const std::ifstream file(GOLDEN_DIR "/heap_profile.heap");
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

HeapDump Parse(const std::string& text) {
  std::string error;
  const auto dump = ParseHeapDump(text, &error);
  EXPECT_TRUE(dump) << error;
  return dump.value_or(HeapDump());
}

std::string ParseError(const std::string& text) {
  std::string error;
  EXPECT_FALSE(ParseHeapDump(text, &error));
  return error;
}

// A dump with one stack.
std::string Dump(const std::string& values, const std::string& stack = " 0x10",
                 const std::string& period = "524288") {
  return "heap_v2/" + period + "\n  t*: 1: 1 [0: 0]\n@" + stack +
         "\n  t*: " + values + "\n";
}

TEST(HeapDump, HasTheStacksAndMapsOfJemalloc) {
  const HeapDump dump = Parse(ReadGolden());
  EXPECT_EQ(dump.period, 524'288U);
  EXPECT_TRUE(dump.has_alloc);
  ASSERT_THAT(dump.stacks, SizeIs(2));
  EXPECT_THAT(dump.stacks[0].addresses, SizeIs(9));
  EXPECT_EQ(dump.stacks[0].addresses.front(), 0x7f952e8a2630U);
  EXPECT_EQ(dump.mappings.front().path, "/usr/bin/small");
}

// The totals of jeprof --text --show_bytes, and with --alloc_space.
TEST(HeapDump, HasTheTotalsOfJeprof) {
  HeapValues total;
  for (const HeapStack& stack : Parse(ReadGolden()).stacks) {
    total.inuse_bytes += stack.values.inuse_bytes;
    total.alloc_bytes += stack.values.alloc_bytes;
  }
  EXPECT_NEAR(total.inuse_bytes, 11'093'307, 2);
  EXPECT_NEAR(total.alloc_bytes, 18'462'049, 2);
}

TEST(HeapDump, DividesByTheProbabilityOfASample) {
  // 1 - exp(-1) of the objects that have the size of the period.
  const HeapValues large =
      Parse(Dump("10: 5242880 [0: 0]")).stacks.front().values;
  EXPECT_NEAR(large.inuse_objects, 10 / 0.63212, 0.001);
  EXPECT_NEAR(large.inuse_bytes, 5242880 / 0.63212, 50);
  // One of a byte stands for a period of bytes: 1 - exp(-x) has no such digits.
  const HeapValues small = Parse(Dump("1: 1 [0: 0]", " 0x10", "1000000000000"))
                               .stacks.front()
                               .values;
  EXPECT_NEAR(small.inuse_bytes, 1e12, 1);
}

TEST(HeapDump, IsExactWhereEveryAllocationIsSampled) {
  const HeapValues values =
      Parse(Dump("3: 3 [4: 400]", " 0x10", "1")).stacks.front().values;
  EXPECT_EQ(values.inuse_objects, 3);
  EXPECT_EQ(values.inuse_bytes, 3);
  EXPECT_EQ(values.alloc_objects, 4);
  EXPECT_EQ(values.alloc_bytes, 400);
}

TEST(HeapDump, MayHaveNoMaps) {
  EXPECT_THAT(Parse(Dump("1: 64 [0: 0]")).mappings, IsEmpty());
  EXPECT_FALSE(Parse(Dump("1: 64 [0: 0]")).has_alloc);
}

// With prof_thread_name, as jemalloc from 4.0 to 5.2.1 writes it, too.
TEST(HeapDump, IgnoresThreadsAndTheirNames) {
  const HeapDump dump = Parse(
      "heap_v2/524288\n"
      "  t*: 3: 192 [0: 0]\n"
      "  t0: 1: 64 [0: 0]\n"
      "  t1: 2: 128 [0: 0] t*: 9: 9 [9: 9]\n"
      "@ 0x10 0x20\n"
      "  t*: 3: 192 [0: 0]\n"
      "  t0: 1: 64 [0: 0]\n"
      "  t1: 2: 128 [0: 0]\n"
      "\n"
      "MAPPED_LIBRARIES:\n");
  ASSERT_THAT(dump.stacks, SizeIs(1));
  // 192 bytes in 3 objects stand for 3 periods, and half an object each.
  EXPECT_NEAR(dump.stacks.front().values.inuse_bytes, 3 * (524'288 + 32), 1);
  EXPECT_THAT(dump.mappings, IsEmpty());
}

TEST(HeapDump, RejectsOtherFormats) {
  EXPECT_EQ(ParseError(""), "it is not a heap profile in the format heap_v2");
  EXPECT_EQ(ParseError("heap profile: 1: 2 [3: 4] @ heap_v2/524288\n"),
            "it is not a heap profile in the format heap_v2");
  EXPECT_EQ(ParseError("heap_v2/x\n"),
            "it is not a heap profile in the format heap_v2");
  EXPECT_EQ(ParseError("heap_v2/1 2\n"),
            "it is not a heap profile in the format heap_v2");
}

TEST(HeapDump, RejectsTruncatedAndMalformedStacks) {
  EXPECT_EQ(ParseError("heap_v2/1\n@ 0x1\n"), "it ends within a stack");
  EXPECT_EQ(ParseError(ReadGolden() + "7f952e400000-7f952e4"),
            "its last line is truncated");
  EXPECT_EQ(ParseError("heap_v2/1\n@ 0x1\n@ 0x2\n"), "a stack has no values");
  for (const char* const stack :
       {"", " ", " 1", " 0x", " 0xg", " 0x1,0x2", " 0x11111111111111111"}) {
    EXPECT_EQ(ParseError(Dump("1: 64 [0: 0]", stack)), "a stack is malformed")
        << stack;
  }
  for (const char* const values :
       {"", "1", "1: 64", "1: 64 [0: 0", "-1: 64 [0: 0]", "1: 64 [0: 0] x",
        "1: 99999999999999999999 [0: 0]"}) {
    EXPECT_EQ(ParseError(Dump(values)), "the values of a stack are malformed")
        << values;
  }
}

TEST(HeapDump, RejectsMoreThanItsLimits) {
  std::string frames;
  for (std::size_t i = 0; i < kMaxFrames; ++i) frames += " 0x1";
  EXPECT_THAT(Parse(Dump("1: 64 [0: 0]", frames)).stacks.front().addresses,
              SizeIs(kMaxFrames));
  EXPECT_EQ(ParseError(Dump("1: 64 [0: 0]", frames + " 0x1")),
            "a stack is malformed");
  std::string stacks = "heap_v2/1\n";
  for (std::size_t i = 0; i < kMaxStacks; ++i) {
    stacks += "@ 0x1\n  t*: 1: 1 [0: 0]\n";
  }
  EXPECT_THAT(Parse(stacks).stacks, SizeIs(kMaxStacks));
  EXPECT_EQ(ParseError(stacks + "@ 0x1\n  t*: 1: 1 [0: 0]\n"),
            "it has too many stacks");
  std::string maps = "heap_v2/1\nMAPPED_LIBRARIES:\n";
  for (std::size_t i = 0; i <= kMaxMappings; ++i) {
    maps += "1000-2000 r-xp 00000000 fe:00 1 /x\n";
  }
  EXPECT_THAT(Parse(maps).mappings, SizeIs(kMaxMappings));
}

HeapStack Stack(std::uint64_t address, double bytes) {
  HeapStack stack;
  stack.addresses = {address};
  stack.values.inuse_bytes = bytes;
  return stack;
}

TEST(Difference, HasStacksThatChanged) {
  HeapDump before;
  before.stacks = {Stack(1, 100), Stack(2, 100), Stack(3, 100)};
  HeapDump after;
  after.period = 7;
  after.stacks = {Stack(4, 100), Stack(2, 150), Stack(3, 100)};
  const HeapDump difference = Difference(before, after);
  const auto is = [](std::uint64_t address, double bytes) {
    return AllOf(Field(&HeapStack::addresses, ElementsAre(address)),
                 Field(&HeapStack::values, Field(&HeapValues::inuse_bytes,
                                                 DoubleNear(bytes, 1e-9))));
  };
  EXPECT_THAT(difference.stacks, testing::UnorderedElementsAre(
                                     is(4, 100), is(2, 50), is(1, -100)));
  EXPECT_EQ(difference.period, 7U);
}

}  // namespace
}  // namespace jemalloc_exporter
