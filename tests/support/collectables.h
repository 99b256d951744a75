#ifndef JEMALLOC_EXPORTER_TESTS_SUPPORT_COLLECTABLES_H_
#define JEMALLOC_EXPORTER_TESTS_SUPPORT_COLLECTABLES_H_

#include <prometheus/collectable.h>
#include <prometheus/metric_family.h>

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "tests/support/metric_families.h"

namespace jemalloc_exporter {

/// Returns the result of a function.
class FakeCollectable final : public prometheus::Collectable {
 public:
  using Families = std::vector<prometheus::MetricFamily>;

  explicit FakeCollectable(std::function<Families()> collect)
      : collect_(std::move(collect)) {}
  Families Collect() const override { return collect_(); }

 private:
  std::function<Families()> collect_;
};

inline std::shared_ptr<FakeCollectable> Collecting(
    std::function<FakeCollectable::Families()> collect) {
  return std::make_shared<FakeCollectable>(std::move(collect));
}

/// Has one gauge of that name and value.
inline std::shared_ptr<FakeCollectable> GaugeOf(const std::string& name,
                                                double value,
                                                const Labels& labels = {}) {
  return Collecting([=] {
    return FakeCollectable::Families{Gauges(name, {Value(value, labels)})};
  });
}

}  // namespace jemalloc_exporter

#endif  // JEMALLOC_EXPORTER_TESTS_SUPPORT_COLLECTABLES_H_
