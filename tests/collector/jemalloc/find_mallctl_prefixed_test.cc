// Built once for each name of jemalloc's control function (see CMakeLists.txt):
// MALLCTL is the one to be found, of a jemalloc with prefixed names.

#include <gtest/gtest.h>

#include "collector/jemalloc/jemalloc_version.h"
#include "jemalloc_exporter/heap_reader.h"

extern "C" int MALLCTL(const char*, void*, std::size_t*, void*, std::size_t);

namespace jemalloc_exporter {
namespace {

TEST(FindMallctl, ReturnsTheFunctionOfTheFirstName) {
  EXPECT_EQ(FindMallctl(), &MALLCTL);
}

TEST(FindMallctl, ReturnsAFunctionThatIsReadByDefault) {
  EXPECT_EQ(JemallocVersion(FindMallctl())[0], '5');
  const HeapState state = ReadHeap().state;
  for (const HeapField& field : kHeapFields) {
    EXPECT_NE(state.*field.value, std::nullopt) << field.mallctl;
  }
}

}  // namespace
}  // namespace jemalloc_exporter
