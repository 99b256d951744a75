#include "exporter/endpoints/profile_query.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace jemalloc_exporter {
namespace {

using testing::ElementsAre;

ProfileQuery Parsed(std::string_view text) {
  std::string error;
  const auto query = ParseProfileQuery(text, &error);
  EXPECT_EQ(error, "") << text;
  return query.value_or(ProfileQuery{});
}

std::string ErrorOf(std::string_view text) {
  std::string error;
  EXPECT_FALSE(ParseProfileQuery(text, &error)) << text;
  return error;
}

TEST(ParseProfileQuery, HasDefaults) {
  for (const char* const text : {"", "&", "debug=1&gc=1&PID=x", "pids=1"}) {
    const ProfileQuery query = Parsed(text);
    EXPECT_FALSE(query.pid);
    EXPECT_FALSE(query.comm);
    EXPECT_EQ(query.seconds, 0);
    EXPECT_EQ(query.format->name, "pprof");
    EXPECT_EQ(query.format->content_type, "application/octet-stream");
    EXPECT_TRUE(query.symbols);
  }
}

TEST(ParseProfileQuery, HasEveryParameter) {
  const ProfileQuery query = Parsed(
      "pid=987&comm=redis%2Dserver+1&seconds=300&format=flamegraph&symbols=0");
  EXPECT_EQ(query.pid, 987);
  EXPECT_EQ(query.comm, "redis-server 1");
  EXPECT_EQ(query.seconds, 300);
  EXPECT_EQ(query.format->name, "flamegraph");
  EXPECT_FALSE(query.symbols);
  EXPECT_EQ(Parsed("seconds=1&symbols=1").seconds, 1);
}

TEST(ParseProfileQuery, RejectsInvalidValues) {
  EXPECT_EQ(ErrorOf("pid=x"), "invalid pid 'x': expected a process id");
  EXPECT_EQ(ErrorOf("seconds=301"),
            "invalid seconds '301': expected an integer from 1 to 300");
  EXPECT_EQ(ErrorOf("format=svg"),
            "invalid format 'svg': expected pprof, flamegraph, collapsed or "
            "raw");
  for (const char* const text :
       {"pid=", "pid", "pid=0", "pid=-1", "pid=+1", "pid=1x", "pid=%201",
        "pid=2147483648", "comm=", "seconds=", "seconds=0", "seconds=1s",
        "seconds=0.5", "format=", "format=PPROF", "symbols=", "symbols=2",
        "symbols=true"}) {
    EXPECT_THAT(ErrorOf(text), testing::StartsWith("invalid ")) << text;
  }
}

TEST(ParseProfileQuery, RejectsRepeatedParameters) {
  EXPECT_EQ(ErrorOf("pid=1&pid=1"), "pid is repeated");
  EXPECT_EQ(ErrorOf("p%69d=1&pid=2"), "pid is repeated");
  EXPECT_EQ(ErrorOf("seconds=1&format=raw"),
            "seconds and format=raw cannot be combined");
}

TEST(ProfileCommand, HasTheArgumentsOfTheQuery) {
  EXPECT_THAT(ProfileCommand(Parsed(""), 42),
              ElementsAre("profile", "--pid=42", "--format=pprof"));
  EXPECT_THAT(
      ProfileCommand(Parsed("seconds=5&symbols=0&format=collapsed"), 42),
      ElementsAre("profile", "--pid=42", "--format=collapsed", "--seconds=5",
                  "--no-symbols"));
  EXPECT_THAT(
      ProfileCommand(Parsed("format=flamegraph"), 42),
      ElementsAre("profile", "--pid=42", "--format=flamegraph", "--served"));
}

}  // namespace
}  // namespace jemalloc_exporter
