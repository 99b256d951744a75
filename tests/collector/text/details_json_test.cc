#include "collector/text/details_json.h"

#include <gtest/gtest.h>

#include "tests/support/sample_details.h"

namespace jemalloc_exporter {
namespace {

TEST(WriteDetailsJson, WritesEachSetThatIsPresent) {
  EXPECT_EQ(DetailsJson(SampleDetails()),
            R"(,"bins":{"columns":["size","slots","slab_bytes","live","slabs",)"
            R"("requests"],"rows":[[8,512,4096,100,2,1000],)"
            R"([48,256,12288,300,3,null]]},)"
            R"("sizes":{"columns":["size","requests"],)"
            R"("rows":[[8,1000],[48,20],[33554432,1]]},)"
            R"("locks":{"bins":[500,4,8000000],"prof_dump":[7,null,null]},)"
            R"("arenas":{"columns":["arena","active_bytes","dirty_bytes",)"
            R"("small_allocated_bytes","large_allocated_bytes","threads"],)"
            R"("rows":[[0,8192,4096,100,0,1],[3,4096,null,null,null,null]]},)"
            R"("extents":{"columns":["size","dirty","dirty_bytes","muzzy",)"
            R"("muzzy_bytes","retained","retained_bytes"],)"
            R"("rows":[[4096,2,8192,1,4096,0,0],[40960,0,0,0,0,1,45056]]})");
  HeapDetails sizes = SampleDetails();
  sizes.sets = {.sizes = true};
  EXPECT_EQ(DetailsJson(sizes), R"(,"sizes":{"columns":["size","requests"],)"
                                R"("rows":[[8,1000],[48,20],[33554432,1]]})");
}

TEST(WriteDetailsJson, WritesEmptySets) {
  HeapDetails details;
  details.sets = {.sizes = true, .locks = true};
  EXPECT_EQ(DetailsJson(details),
            R"(,"sizes":{"columns":["size","requests"],"rows":[]},"locks":{})");
}

TEST(WriteDetailsJson, FitsTheBufferWithLongestValues) {
  HeapDetails details = LargestDetails();
  const std::size_t size = MaxDetailsJsonSize(details);
  EXPECT_LE(DetailsJson(details).size(), size);
  EXPECT_GT(DetailsJson(details).size(), size - 512);
  details.sets.extents = false;
  EXPECT_EQ(MaxDetailsJsonSize(details), kMaxDetailsJsonSize);
  EXPECT_LE(DetailsJson(details).size(), kMaxDetailsJsonSize);
  EXPECT_GT(DetailsJson(details).size(), kMaxDetailsJsonSize - 512);
}

}  // namespace
}  // namespace jemalloc_exporter
