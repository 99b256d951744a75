#include "exporter/cli/duration.h"

#include <gtest/gtest.h>

namespace jemalloc_exporter {
namespace {

double Seconds(std::string_view text) {
  const auto duration = ParseDuration(text);
  return duration ? duration->count() : -1;
}

TEST(ParseDuration, AcceptsGoDurations) {
  EXPECT_DOUBLE_EQ(Seconds("1s"), 1);
  EXPECT_DOUBLE_EQ(Seconds("500ms"), 0.5);
  EXPECT_DOUBLE_EQ(Seconds("1m30s"), 90);
  EXPECT_DOUBLE_EQ(Seconds("1.5h"), 5400);
  EXPECT_DOUBLE_EQ(Seconds(".5s"), 0.5);
  EXPECT_DOUBLE_EQ(Seconds("10us"), 1e-5);
  EXPECT_DOUBLE_EQ(Seconds("10µs"), 1e-5);
  EXPECT_DOUBLE_EQ(Seconds("10ns"), 1e-8);
  EXPECT_DOUBLE_EQ(Seconds("24h"), 86'400);
}

TEST(ParseDuration, AcceptsPlainSeconds) {
  EXPECT_DOUBLE_EQ(Seconds("2"), 2);
  EXPECT_DOUBLE_EQ(Seconds("0.25"), 0.25);
  EXPECT_DOUBLE_EQ(Seconds("86400"), 86'400);
}

TEST(ParseDuration, RejectsEverythingElse) {
  for (const char* text :
       {"",       "s",     "soon",   "0",     "0s",   "-1",  "-1s", "+1", "nan",
        "inf",    "1e300", "1e3",    "1s1",   "1 s",  " 1s", "1s ", "1d", "1S",
        "1.5.2s", "86401", "24h1ns", "1ms2x", "0x10", ".",   ".s"}) {
    EXPECT_EQ(ParseDuration(text), std::nullopt) << text;
  }
}

}  // namespace
}  // namespace jemalloc_exporter
