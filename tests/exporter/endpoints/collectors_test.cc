#include "exporter/endpoints/collectors.h"

#include <gtest/gtest.h>

namespace jemalloc_exporter {
namespace {

constexpr CollectorSet kEnabled = {.bins = true, .locks = true};

CollectorSet Select(std::string_view query) {
  std::string error;
  const CollectorSet selected = SelectCollectors(query, kEnabled, &error);
  EXPECT_EQ(error, "") << query;
  return selected;
}

std::string ErrorOf(std::string_view query) {
  std::string error;
  SelectCollectors(query, kEnabled, &error);
  return error;
}

constexpr CollectorSet Only(bool CollectorSet::*member) {
  CollectorSet set = {.heap = false, .activity = false, .options = false};
  set.*member = true;
  return set;
}

TEST(SelectCollectors, ReturnsTheEnabledOnesWithoutAParameter) {
  for (const char* query : {"", "&", "x=1", "collect=bins", "theme=dark&&"}) {
    EXPECT_EQ(Select(query), kEnabled) << query;
  }
}

TEST(SelectCollectors, ReturnsTheCollectedOnes) {
  EXPECT_EQ(Select("collect[]=bins"), Only(&CollectorSet::bins));
  EXPECT_EQ(Select("a=b&collect[]=heap"), Only(&CollectorSet::heap));
  EXPECT_EQ(Select("collect[]=bins&collect[]=bins&collect[]=locks"),
            (CollectorSet{.heap = false,
                          .activity = false,
                          .options = false,
                          .bins = true,
                          .locks = true}));
}

TEST(SelectCollectors, LeavesOutTheExcludedOnes) {
  CollectorSet expected = kEnabled;
  expected.activity = false;
  expected.bins = false;
  EXPECT_EQ(Select("exclude[]=activity&exclude[]=bins"), expected);
}

TEST(SelectCollectors, AcceptsPercentEncoding) {
  EXPECT_EQ(Select("collect%5B%5D=bins"), Only(&CollectorSet::bins));
  EXPECT_EQ(Select("collect%5b%5d=b%69ns"), Only(&CollectorSet::bins));
}

TEST(SelectCollectors, RejectsUnknownAndDisabledNames) {
  EXPECT_EQ(ErrorOf("collect[]=sizes"), "collector 'sizes' is disabled");
  EXPECT_EQ(ErrorOf("exclude[]=sizes"), "collector 'sizes' is disabled");
  EXPECT_EQ(ErrorOf("collect[]=cpu"), "unknown collector 'cpu'");
  EXPECT_EQ(ErrorOf("collect[]="), "unknown collector ''");
  EXPECT_EQ(ErrorOf("collect[]"), "unknown collector ''");
  EXPECT_EQ(ErrorOf("collect[]=bins,locks"), "unknown collector 'bins,locks'");
  EXPECT_EQ(ErrorOf("collect[]=arenas"), "unknown collector 'arenas'");
}

TEST(SelectCollectors, RejectsBothParameters) {
  EXPECT_EQ(ErrorOf("collect[]=bins&exclude[]=locks"),
            "collect[] and exclude[] cannot be combined");
}

TEST(SelectCollectors, ReturnsErrorsOfOneLine) {
  EXPECT_EQ(ErrorOf("collect[]=a%0Ab%ff%"), "unknown collector 'a?b?%'");
  EXPECT_EQ(ErrorOf("collect[]=" + std::string(10'000, 'a')),
            "unknown collector '" + std::string(64, 'a') + "...'");
}

}  // namespace
}  // namespace jemalloc_exporter
