#include "exporter/text/byte_units.h"

#include <gtest/gtest.h>

#include <limits>

namespace jemalloc_exporter {
namespace {

TEST(ByteUnits, AreWholeBelowOneKibibyte) {
  EXPECT_EQ(ToByteUnits(0), "0 B");
  EXPECT_EQ(ToByteUnits(1023), "1023 B");
}

TEST(ByteUnits, HaveOneDecimalFromOneKibibyteOn) {
  EXPECT_EQ(ToByteUnits(1024), "1.0 KiB");
  EXPECT_EQ(ToByteUnits(524'288), "512.0 KiB");
  EXPECT_EQ(ToByteUnits(1'572'864), "1.5 MiB");
  EXPECT_EQ(ToByteUnits(3ULL << 40), "3.0 TiB");
  EXPECT_EQ(ToByteUnits(std::numeric_limits<std::uint64_t>::max()), "16.0 EiB");
}

TEST(ByteUnits, NeverShow1024OfAUnit) {
  EXPECT_EQ(ToByteUnits((1 << 20) - 1), "1.0 MiB");
  EXPECT_EQ(ToByteUnits((1 << 20) - 60), "1023.9 KiB");
}

}  // namespace
}  // namespace jemalloc_exporter
