#include "exporter/exposition/distribution.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <utility>

#include "tests/support/metric_families.h"

namespace jemalloc_exporter {
namespace {

using prometheus::ClientMetric;
using testing::ElementsAre;
using testing::IsEmpty;
using testing::Pair;

using Buckets = std::vector<std::pair<double, std::uint64_t>>;
using Quantiles = std::vector<std::pair<double, double>>;

Buckets Complete(std::uint64_t count, std::vector<ClientMetric::Bucket> given) {
  Buckets buckets;
  for (const auto& [counted, bound] :
       CompleteBuckets({count, 0, std::move(given)})) {
    buckets.emplace_back(bound, counted);
  }
  return buckets;
}

Quantiles Ordered(std::vector<ClientMetric::Quantile> given) {
  Quantiles quantiles;
  for (const auto& [quantile, value] :
       OrderedQuantiles({0, 0, std::move(given)})) {
    quantiles.emplace_back(quantile, value);
  }
  return quantiles;
}

TEST(Buckets, KeepACompleteHistogram) {
  EXPECT_THAT(Complete(3, {{1, 0.5}, {2, 1}, {3, kInfinity}}),
              ElementsAre(Pair(0.5, 1), Pair(1, 2), Pair(kInfinity, 3)));
}

TEST(Buckets, EndWithPlusInf) {
  EXPECT_THAT(Complete(3, {{1, 0.5}}),
              ElementsAre(Pair(0.5, 1), Pair(kInfinity, 3)));
  EXPECT_THAT(Complete(0, {}), ElementsAre(Pair(kInfinity, 0)));
}

TEST(Buckets, PlusInfBucketOverridesSampleCount) {
  EXPECT_THAT(Complete(9, {{3, kInfinity}}), ElementsAre(Pair(kInfinity, 3)));
}

TEST(Buckets, AreSortedByBound) {
  EXPECT_THAT(Complete(2, {{2, 1}, {1, -1}}),
              ElementsAre(Pair(-1, 1), Pair(1, 2), Pair(kInfinity, 2)));
}

TEST(Buckets, KeepTheFirstOfEqualBounds) {
  EXPECT_THAT(Complete(2, {{1, 1}, {2, 1}}),
              ElementsAre(Pair(1, 1), Pair(kInfinity, 2)));
}

TEST(Buckets, DropNaNBounds) {
  EXPECT_THAT(Complete(2, {{9, kNaN}, {1, 1}, {9, kNaN}}),
              ElementsAre(Pair(1, 1), Pair(kInfinity, 2)));
}

TEST(Buckets, AreEmptyWhenCountsDecrease) {
  EXPECT_THAT(Complete(9, {{2, 1}, {1, 2}}), IsEmpty());
  EXPECT_THAT(Complete(1, {{2, 1}}), IsEmpty());
}

TEST(Quantiles, AreSortedAndUnique) {
  EXPECT_THAT(Ordered({{0.9, 2}, {0.5, 1}, {0.9, 3}}),
              ElementsAre(Pair(0.5, 1), Pair(0.9, 2)));
}

TEST(Quantiles, AreFromZeroToOne) {
  EXPECT_THAT(Ordered({{kNaN, 9}, {-0.1, 9}, {1.1, 9}, {0, 1}, {1, 2}}),
              ElementsAre(Pair(0, 1), Pair(1, 2)));
}

}  // namespace
}  // namespace jemalloc_exporter
