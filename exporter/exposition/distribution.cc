#include "exporter/exposition/distribution.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace jemalloc_exporter {
namespace {

using prometheus::ClientMetric;

constexpr double kInfinity = std::numeric_limits<double>::infinity();

// Sorts by `key`; of points with equal keys the first is kept.
template <typename Point>
void SortUnique(std::vector<Point>& points, double Point::*key) {
  std::ranges::stable_sort(points, {}, key);
  points.erase(std::unique(points.begin(), points.end(),
                           [key](const Point& a, const Point& b) {
                             return a.*key == b.*key;
                           }),
               points.end());
}

}  // namespace

std::vector<ClientMetric::Bucket> CompleteBuckets(
    const ClientMetric::Histogram& histogram) {
  std::vector<ClientMetric::Bucket> buckets = histogram.bucket;
  std::erase_if(buckets, [](const ClientMetric::Bucket& bucket) {
    return std::isnan(bucket.upper_bound);
  });
  // Appended last: an existing +Inf bucket takes precedence.
  buckets.push_back({histogram.sample_count, kInfinity});
  SortUnique(buckets, &ClientMetric::Bucket::upper_bound);
  if (!std::ranges::is_sorted(buckets, {},
                              &ClientMetric::Bucket::cumulative_count)) {
    buckets.clear();
  }
  return buckets;
}

std::vector<ClientMetric::Quantile> OrderedQuantiles(
    const ClientMetric::Summary& summary) {
  std::vector<ClientMetric::Quantile> quantiles = summary.quantile;
  std::erase_if(quantiles, [](const ClientMetric::Quantile& quantile) {
    return !(quantile.quantile >= 0 && quantile.quantile <= 1);
  });
  SortUnique(quantiles, &ClientMetric::Quantile::quantile);
  return quantiles;
}

}  // namespace jemalloc_exporter
