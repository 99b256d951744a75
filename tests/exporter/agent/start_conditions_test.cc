#include "exporter/agent/start_conditions.h"

#include <gtest/gtest.h>

#include <cstddef>
#include <cstdlib>

namespace jemalloc_exporter {
namespace {

TEST(IsOff, TakesTheOneValueOnly) {
  constexpr const char* kVariable = "JEMALLOC_EXPORTER_START_CONDITIONS_TEST";
  unsetenv(kVariable);
  EXPECT_FALSE(IsOff(kVariable));
  for (const char* value : {"", "on", "OFF", "offf", " off"}) {
    setenv(kVariable, value, 1);
    EXPECT_FALSE(IsOff(kVariable)) << value;
  }
  setenv(kVariable, "off", 1);
  EXPECT_TRUE(IsOff(kVariable));
}

TEST(IsProgramExcluded, TakesTheLastComponent) {
  EXPECT_TRUE(IsProgramExcluded(program_invocation_short_name));
  EXPECT_FALSE(IsProgramExcluded(""));
  EXPECT_FALSE(IsProgramExcluded("other"));
}

int OwnMallctl(const char*, void*, std::size_t*, void*, std::size_t) {
  return 0;
}

// This program uses malloc of libc, which is another object.
TEST(IsHostAllocator, IsFalseWhereMallocIsAnother) {
  EXPECT_FALSE(IsHostAllocator(OwnMallctl));
}

TEST(IsHostAllocator, IsTrueWhereMallocIsOfTheSameObject) {
  auto* const function = reinterpret_cast<void (*)()>(&std::realloc);
  EXPECT_TRUE(IsHostAllocator(reinterpret_cast<Mallctl*>(function)));
}

}  // namespace
}  // namespace jemalloc_exporter
