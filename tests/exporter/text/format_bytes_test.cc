#include "exporter/text/format_bytes.h"

#include <gtest/gtest.h>

#include <limits>

namespace jemalloc_exporter {
namespace {

TEST(FormatBytes, HasNoDecimalBelowOneKibibyte) {
  EXPECT_EQ(FormatBytes(0), "0 B");
  EXPECT_EQ(FormatBytes(1023), "1023 B");
}

TEST(FormatBytes, HasOneDecimalFromOneKibibyte) {
  EXPECT_EQ(FormatBytes(1024), "1.0 KiB");
  EXPECT_EQ(FormatBytes(524'288), "512.0 KiB");
  EXPECT_EQ(FormatBytes(1'572'864), "1.5 MiB");
  EXPECT_EQ(FormatBytes(3ULL << 40), "3.0 TiB");
  EXPECT_EQ(FormatBytes(std::numeric_limits<std::uint64_t>::max()), "16.0 EiB");
}

TEST(FormatBytes, UsesTheNextUnitWhenRoundingUpTo1024) {
  EXPECT_EQ(FormatBytes((1 << 20) - 1), "1.0 MiB");
  EXPECT_EQ(FormatBytes((1 << 20) - 60), "1023.9 KiB");
}

}  // namespace
}  // namespace jemalloc_exporter
