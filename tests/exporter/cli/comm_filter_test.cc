#include "exporter/cli/comm_filter.h"

#include <gtest/gtest.h>

namespace jemalloc_exporter {
namespace {

bool Matches(const std::string& expression, const std::string& comm) {
  std::string error;
  const auto filter = CompileCommFilter(expression, &error);
  EXPECT_EQ(error, "") << expression;
  return filter && filter(comm);
}

TEST(CompileCommFilter, MatchesTheWholeName) {
  EXPECT_TRUE(Matches("redis", "redis"));
  EXPECT_FALSE(Matches("redis", "redis-server"));
  EXPECT_FALSE(Matches("redis", "myredis"));
  EXPECT_TRUE(Matches("redis.*", "redis-server"));
  EXPECT_TRUE(Matches("redis|varnishd", "varnishd"));
  EXPECT_FALSE(Matches("redis|varnishd", "varnishd2"));
  EXPECT_FALSE(Matches("redis|varnishd", "2redis"));
  EXPECT_FALSE(Matches("redis|varnishd", "redis2"));
  EXPECT_FALSE(Matches("redis|varnishd", "2varnishd"));
  EXPECT_TRUE(Matches(".*", ""));
  EXPECT_TRUE(Matches("[[:alpha:]]+(-[0-9]{1,3})?", "worker-12"));
  EXPECT_TRUE(Matches("", ""));
  EXPECT_FALSE(Matches("", "a"));
}

TEST(CompileCommFilter, ReturnsOneLineForAnInvalidExpression) {
  for (const std::string& expression :
       {std::string("("), std::string("a)(b"), std::string("["),
        std::string("*a{"), std::string("[[:no:]]"), std::string("(a)\\1"),
        std::string(1025, 'a')}) {
    std::string error;
    EXPECT_FALSE(CompileCommFilter(expression, &error)) << expression;
    EXPECT_NE(error, "") << expression;
    EXPECT_EQ(error.find('\n'), std::string::npos);
  }
}

// Exponential in a matcher that backtracks.
TEST(CompileCommFilter, MatchesNestedRepetitionsInLinearTime) {
  EXPECT_FALSE(
      Matches("((a|a|a|a)*)*((a|a|a|a)*)*((a|a|a|a)*)*b", "aaaaaaaaaaaaaaa"));
}

}  // namespace
}  // namespace jemalloc_exporter
