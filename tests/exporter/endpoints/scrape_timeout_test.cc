#include "exporter/endpoints/scrape_timeout.h"

#include <gtest/gtest.h>

namespace jemalloc_exporter {
namespace {

constexpr Seconds kMax{1};

TEST(ScrapeTimeout, IsLimitedToTheMaximum) {
  EXPECT_EQ(EffectiveScrapeTimeout("10", kMax), kMax);
  EXPECT_EQ(EffectiveScrapeTimeout("1.25", kMax), kMax);
}

TEST(ScrapeTimeout, LeavesAMargin) {
  EXPECT_EQ(EffectiveScrapeTimeout("1", kMax), Seconds(0.75));
  EXPECT_EQ(EffectiveScrapeTimeout("0.5", kMax), Seconds(0.25));
}

TEST(ScrapeTimeout, IsHalfOfAValueThatLeavesNoMargin) {
  EXPECT_EQ(EffectiveScrapeTimeout("0.125", kMax), Seconds(0.0625));
}

TEST(ScrapeTimeout, IsTheMaximumForInvalidValues) {
  for (const char* const value :
       {"", "0", "-1", "nan", "soon", "1s", " 1", "1,5"}) {
    EXPECT_EQ(EffectiveScrapeTimeout(value, kMax), kMax) << value;
  }
}

TEST(ScrapeTimeout, IsTheMaximumForInfinity) {
  EXPECT_EQ(EffectiveScrapeTimeout("inf", kMax), kMax);
}

}  // namespace
}  // namespace jemalloc_exporter
