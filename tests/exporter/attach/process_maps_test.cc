#include "exporter/attach/process_maps.h"

#include <gtest/gtest.h>

namespace jemalloc_exporter {
namespace {

TEST(ProcessMaps, ParsesMappings) {
  const auto maps = ParseMaps(
      "7f0000001000-7f0000003000 r-xp 00002000 fd:01 42    /usr/lib/a b.so\n"
      "7ffc00000000-7ffc00021000 rw-p 00000000 00:00 0     [stack]\n"
      "7ffc00030000-7ffc00031000 rw-p 00000000 00:00 0 \n");
  ASSERT_EQ(maps.size(), 3);
  EXPECT_EQ(maps[0].start, 0x7f0000001000);
  EXPECT_EQ(maps[0].end, 0x7f0000003000);
  EXPECT_TRUE(maps[0].is_readable && maps[0].is_executable);
  EXPECT_FALSE(maps[0].is_writable);
  EXPECT_EQ(maps[0].offset, 0x2000);
  EXPECT_EQ(maps[0].device, "fd:01");
  EXPECT_EQ(maps[0].inode, 42);
  EXPECT_EQ(maps[0].path, "/usr/lib/a b.so");
  EXPECT_EQ(maps[1].path, "[stack]");
  EXPECT_TRUE(maps[1].is_writable);
  EXPECT_EQ(maps[2].path, "");
}

TEST(ProcessMaps, SkipsMalformedLines) {
  EXPECT_TRUE(ParseMaps("").empty());
  EXPECT_TRUE(ParseMaps("\n\nabc\n1-2\n1-2 r-xp\n1-2 r-xp zz 0:0 0\n").empty());
}

TEST(ProcessMaps, FindsTheMappingOfAnAddress) {
  const auto maps = ParseMaps(
      "1000-2000 r-xp 0 0:0 0\n"
      "2000-3000 rw-p 0 0:0 0\n");
  EXPECT_EQ(FindMapping(maps, 0xfff), nullptr);
  EXPECT_EQ(FindMapping(maps, 0x1fff), maps.data());
  EXPECT_EQ(FindMapping(maps, 0x2000), &maps[1]);
  EXPECT_EQ(FindMapping(maps, 0x3000), nullptr);
}

}  // namespace
}  // namespace jemalloc_exporter
