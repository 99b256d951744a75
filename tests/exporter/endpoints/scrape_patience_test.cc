#include "exporter/endpoints/scrape_patience.h"

#include <gtest/gtest.h>

namespace jemalloc_exporter {
namespace {

constexpr Seconds kMost{1};

TEST(ScrapePatience, IsTheMostForAPatientScraper) {
  EXPECT_EQ(PatienceOfScrape("10", kMost), kMost);
  EXPECT_EQ(PatienceOfScrape("1.25", kMost), kMost);
}

TEST(ScrapePatience, LeavesAHurriedScraperAMargin) {
  EXPECT_EQ(PatienceOfScrape("1", kMost), Seconds(0.75));
  EXPECT_EQ(PatienceOfScrape("0.5", kMost), Seconds(0.25));
}

TEST(ScrapePatience, IsHalfOfWhatLeavesNoMargin) {
  EXPECT_EQ(PatienceOfScrape("0.125", kMost), Seconds(0.0625));
}

TEST(ScrapePatience, IsTheMostWhereTheScraperSaysNothingOfSense) {
  for (const char* const nonsense :
       {"", "0", "-1", "nan", "soon", "1s", " 1", "1,5"}) {
    EXPECT_EQ(PatienceOfScrape(nonsense, kMost), kMost) << nonsense;
  }
}

TEST(ScrapePatience, IsTheMostForAScraperThatWaitsForEver) {
  EXPECT_EQ(PatienceOfScrape("inf", kMost), kMost);
}

}  // namespace
}  // namespace jemalloc_exporter
