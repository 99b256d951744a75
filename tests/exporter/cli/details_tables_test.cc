#include "exporter/cli/details_tables.h"

#include <gtest/gtest.h>

#include "tests/support/golden.h"
#include "tests/support/sample_details.h"

namespace jemalloc_exporter {
namespace {

TEST(DetailsTables, HasATableForEachSet) {
  ExpectGolden(DetailsTables(SampleDetails()), "details_tables.txt");
}

TEST(DetailsTables, IsEmptyWithoutSets) { EXPECT_EQ(DetailsTables({}), ""); }

TEST(DetailsTables, LimitsTheRowsOfSizes) {
  HeapDetails details = LargestDetails();
  details.sets = {.sizes = true};
  EXPECT_NE(DetailsTables(details).find("and 220 more\n"), std::string::npos);
}

}  // namespace
}  // namespace jemalloc_exporter
