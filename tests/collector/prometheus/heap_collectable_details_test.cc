#include <gtest/gtest.h>

#include <set>
#include <string>

#include "jemalloc_exporter/heap_collectable.h"

namespace jemalloc_exporter {
namespace {

class HeapCollectableWithDetails : public testing::Test {
 protected:
  void SetUp() override {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
    GTEST_SKIP() << "the sanitizer serves malloc, not jemalloc";
#endif
  }

  // The names of the families, each of which has `heap="a"`.
  static std::set<std::string> Names(HeapDetailSets details) {
    HeapCollectableOptions options;
    options.labels = {{"heap", "a"}};
    options.details = details;
    std::set<std::string> names;
    for (const auto& family : HeapCollectable(options).Collect()) {
      names.insert(family.name);
      for (const auto& metric : family.metric) {
        EXPECT_EQ(metric.label.front().value, "a") << family.name;
      }
    }
    return names;
  }
};

TEST_F(HeapCollectableWithDetails, HasTheRequestedSetsOnly) {
  const std::set<std::string> without = Names({});
  std::set<std::string> bins = without;
  bins.insert({"jemalloc_bin_allocated_bytes", "jemalloc_bin_slab_bytes"});
  EXPECT_EQ(Names({true, false, false, false}), bins);
  std::set<std::string> sizes = without;
  sizes.insert("jemalloc_allocation_size_bytes");
  EXPECT_EQ(Names({false, true, false, true}), sizes);
  std::set<std::string> locks = without;
  locks.insert({"jemalloc_mutex_acquisitions_total",
                "jemalloc_mutex_waits_total",
                "jemalloc_mutex_wait_seconds_total"});
  EXPECT_EQ(Names({false, false, true, false}), locks);
}

TEST_F(HeapCollectableWithDetails, HasNoSeriesWithoutJemalloc) {
  HeapCollectableOptions options;
  options.mallctl = nullptr;
  options.details = HeapDetailSets::All();
  EXPECT_TRUE(HeapCollectable(options).Collect().empty());
}

}  // namespace
}  // namespace jemalloc_exporter
