#include "exporter/agent/excluded_programs.h"

#include <gtest/gtest.h>

namespace jemalloc_exporter {
namespace {

TEST(IsExcluded, MatchesWholeNames) {
  EXPECT_TRUE(IsExcluded("a", "a"));
  EXPECT_TRUE(IsExcluded("b", "a,b,c"));
  EXPECT_TRUE(IsExcluded("c", ",a,,c,"));
  EXPECT_FALSE(IsExcluded("a", ""));
  EXPECT_FALSE(IsExcluded("a", "aa,ba"));
  EXPECT_FALSE(IsExcluded("aa", "a"));
  EXPECT_FALSE(IsExcluded("a,b", "a,b"));
}

TEST(IsExcluded, ContainsDefaultLaunchers) {
  for (const char* name :
       {"setpriv", "su", "sudo", "bwrap", "unshare", "crun"}) {
    EXPECT_TRUE(IsExcluded(name, "")) << name;
  }
  EXPECT_FALSE(IsExcluded("sh", ""));
}

TEST(IsExcluded, NeverMatchesAnEmptyName) {
  EXPECT_FALSE(IsExcluded("", ""));
  EXPECT_FALSE(IsExcluded("", ",,"));
}

}  // namespace
}  // namespace jemalloc_exporter
