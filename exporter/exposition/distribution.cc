#include "exporter/exposition/distribution.h"

#include <algorithm>
#include <cmath>
#include <limits>

namespace jemalloc_exporter {
namespace {

using prometheus::ClientMetric;

constexpr double kInfinity = std::numeric_limits<double>::infinity();

// Of points at the same place the first is kept.
template <typename Point>
void Order(std::vector<Point>& points, double Point::*place) {
  std::ranges::stable_sort(points, {}, place);
  points.erase(std::unique(points.begin(), points.end(),
                           [place](const Point& a, const Point& b) {
                             return a.*place == b.*place;
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
  // After the buckets, so that one of theirs at +Inf goes before it.
  buckets.push_back({histogram.sample_count, kInfinity});
  Order(buckets, &ClientMetric::Bucket::upper_bound);
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
  Order(quantiles, &ClientMetric::Quantile::quantile);
  return quantiles;
}

}  // namespace jemalloc_exporter
