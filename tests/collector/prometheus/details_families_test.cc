#include "collector/prometheus/details_families.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <limits>
#include <map>
#include <string>

#include "tests/support/sample_details.h"

namespace jemalloc_exporter {
namespace {

using prometheus::MetricFamily;

std::vector<MetricFamily> Families(HeapDetails details) {
  return DetailsFamilies(
      {{std::make_shared<HeapDetails>(details), {{"pid", "42"}}}});
}

const MetricFamily* Find(const std::vector<MetricFamily>& families,
                         const std::string& name) {
  const auto found =
      std::find_if(families.begin(), families.end(),
                   [&](const MetricFamily& f) { return f.name == name; });
  return found == families.end() ? nullptr : &*found;
}

// The values of a family by its last label.
std::map<std::string, double> Values(const std::vector<MetricFamily>& families,
                                     const std::string& name) {
  std::map<std::string, double> values;
  const MetricFamily* const family = Find(families, name);
  if (family == nullptr) return values;
  for (const auto& metric : family->metric) {
    EXPECT_EQ(metric.label.size(), 2);
    values[metric.label.back().value] =
        family->type == prometheus::MetricType::Counter ? metric.counter.value
                                                        : metric.gauge.value;
  }
  return values;
}

using Map = std::map<std::string, double>;

TEST(DetailsFamilies, HasLiveAndSlabBytesOfEachBin) {
  const auto families = Families(SampleDetails());
  EXPECT_EQ(Values(families, "jemalloc_bin_allocated_bytes"),
            (Map{{"8", 800}, {"48", 14'400}}));
  EXPECT_EQ(Values(families, "jemalloc_bin_slab_bytes"),
            (Map{{"8", 8192}, {"48", 36'864}}));
}

TEST(DetailsFamilies, LeavesOutOnlyTheSeriesOfAnAbsentValue) {
  HeapDetails details;
  details.sets = {.bins = true, .locks = true};
  details.bins.Add({.size = 8, .slab_bytes = 4096, .slabs = 2});
  details.locks[0].waits = 3;
  const auto families = Families(details);
  EXPECT_EQ(Find(families, "jemalloc_bin_allocated_bytes"), nullptr);
  EXPECT_EQ(Values(families, "jemalloc_bin_slab_bytes"), (Map{{"8", 8192}}));
  EXPECT_EQ(Values(families, "jemalloc_mutex_waits_total"), (Map{{"bins", 3}}));
  EXPECT_EQ(Find(families, "jemalloc_mutex_acquisitions_total"), nullptr);
}

TEST(DetailsFamilies, HasTheCountersOfEachMutex) {
  const auto families = Families(SampleDetails());
  EXPECT_EQ(Values(families, "jemalloc_mutex_acquisitions_total"),
            (Map{{"bins", 500}, {"prof_dump", 7}}));
  EXPECT_EQ(Values(families, "jemalloc_mutex_waits_total"), (Map{{"bins", 4}}));
  EXPECT_EQ(Values(families, "jemalloc_mutex_wait_seconds_total"),
            (Map{{"bins", 0.008}}));
}

TEST(DetailsFamilies, HasACumulativeHistogramOfSizes) {
  const auto families = Families(SampleDetails());
  const MetricFamily* const family =
      Find(families, "jemalloc_allocation_size_bytes");
  ASSERT_NE(family, nullptr);
  ASSERT_EQ(family->metric.size(), 1);
  const auto& histogram = family->metric.front().histogram;
  ASSERT_EQ(histogram.bucket.size(), 22);
  double bound = 16;
  for (std::size_t i = 0; i < 21; ++i, bound *= 2) {
    EXPECT_EQ(histogram.bucket[i].upper_bound, bound);
    EXPECT_EQ(histogram.bucket[i].cumulative_count, i < 2 ? 1000 : 1020);
  }
  EXPECT_EQ(bound, 2.0 * 16 * 1024 * 1024);
  EXPECT_EQ(histogram.bucket[21].upper_bound,
            std::numeric_limits<double>::infinity());
  EXPECT_EQ(histogram.bucket[21].cumulative_count, 1021);
  EXPECT_EQ(histogram.sample_count, 1021);
  EXPECT_EQ(histogram.sample_sum, 8 * 1000 + 48 * 20 + 33'554'432);
}

// A bound is itself in the bucket.
TEST(DetailsFamilies, CountsASizeInTheBucketOfItsBound) {
  HeapDetails details;
  details.sets = {.sizes = true};
  details.sizes.Add({.size = 16, .requests = 1});
  details.sizes.Add({.size = 16'777'216, .requests = 2});
  const auto families = Families(details);
  const auto& buckets = families.front().metric.front().histogram.bucket;
  EXPECT_EQ(buckets[0].cumulative_count, 1);
  EXPECT_EQ(buckets[19].cumulative_count, 1);
  EXPECT_EQ(buckets[20].cumulative_count, 3);
}

TEST(DetailsFamilies, KeepsBucketsCumulativeWithTheLargestNumbers) {
  const auto families = Families(LargestDetails());
  const auto& histogram = Find(families, "jemalloc_allocation_size_bytes")
                              ->metric.front()
                              .histogram;
  EXPECT_TRUE(std::is_sorted(histogram.bucket.begin(), histogram.bucket.end(),
                             [](const auto& a, const auto& b) {
                               return a.cumulative_count < b.cumulative_count;
                             }));
  EXPECT_EQ(histogram.sample_count, std::numeric_limits<std::uint64_t>::max());
}

TEST(DetailsFamilies, HasNoSeriesOfAbsentSets) {
  HeapDetails details = SampleDetails();
  details.sets = {};
  EXPECT_TRUE(Families(details).empty());
  EXPECT_TRUE(DetailsFamilies({{nullptr, {}}}).empty());
  details.sets = {.arenas = true};
  EXPECT_TRUE(Families(details).empty());
}

}  // namespace
}  // namespace jemalloc_exporter
