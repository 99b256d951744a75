#include "collector/prometheus/details_families.h"

#include <prometheus/metric_type.h>

#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <utility>

namespace jemalloc_exporter {
namespace {

using prometheus::ClientMetric;
using prometheus::MetricFamily;
using prometheus::MetricType;
using Value = std::optional<std::uint64_t>;

// Bounds of the histogram: powers of two from 16 bytes to 16 MiB. Each is a
// size class, to which jemalloc rounds allocations up, so that no bound is
// inexact.
constexpr std::uint64_t kFirstBound = 16;
constexpr std::uint64_t kLastBound = std::uint64_t{16} * 1024 * 1024;

ClientMetric WithLabel(const LabelledDetails& heap, const char* name,
                       std::string value) {
  ClientMetric metric;
  metric.label = heap.labels;
  metric.label.push_back({name, std::move(value)});
  return metric;
}

template <typename AddMetrics>
void AddFamily(std::vector<MetricFamily>& families, MetricType type,
               const char* name, const char* help,
               const std::vector<LabelledDetails>& heaps,
               const AddMetrics& add_metrics) {
  MetricFamily family{name, help, type, {}};
  for (const LabelledDetails& heap : heaps) {
    if (heap.details) add_metrics(heap, *heap.details, family.metric);
  }
  if (!family.metric.empty()) families.push_back(std::move(family));
}

void AddBins(std::vector<MetricFamily>& families, const char* name,
             const char* help, const std::vector<LabelledDetails>& heaps,
             Value BinDetails::*count, Value BinDetails::*bytes) {
  AddFamily(families, MetricType::Gauge, name, help, heaps,
            [&](const LabelledDetails& heap, const HeapDetails& details,
                std::vector<ClientMetric>& metrics) {
              if (!details.sets.bins) return;
              for (const BinDetails& bin : details.bins) {
                if (!bin.size || !(bin.*count) || !(bin.*bytes)) continue;
                ClientMetric metric =
                    WithLabel(heap, "size", std::to_string(*bin.size));
                metric.gauge.value = static_cast<double>(*(bin.*count)) *
                                     static_cast<double>(*(bin.*bytes));
                metrics.push_back(std::move(metric));
              }
            });
}

// A sum that stops at 2^64 - 1: a document may have any numbers.
std::uint64_t Add(std::uint64_t a, std::uint64_t b) {
  constexpr auto kMax = std::numeric_limits<std::uint64_t>::max();
  return b > kMax - a ? kMax : a + b;
}

ClientMetric::Histogram ToHistogram(const HeapDetails& details) {
  ClientMetric::Histogram histogram;
  const SizeDetails* row = details.sizes.begin();
  const SizeDetails* const end = details.sizes.end();
  const auto add_up_to = [&](std::uint64_t bound) {
    for (; row < end && row->size <= bound; ++row) {
      histogram.sample_count = Add(histogram.sample_count, row->requests);
      histogram.sample_sum +=
          static_cast<double>(row->size) * static_cast<double>(row->requests);
    }
  };
  for (std::uint64_t bound = kFirstBound; bound <= kLastBound; bound *= 2) {
    add_up_to(bound);
    histogram.bucket.push_back(
        {histogram.sample_count, static_cast<double>(bound)});
  }
  add_up_to(std::numeric_limits<std::uint64_t>::max());
  histogram.bucket.push_back(
      {histogram.sample_count, std::numeric_limits<double>::infinity()});
  return histogram;
}

void AddSizes(std::vector<MetricFamily>& families,
              const std::vector<LabelledDetails>& heaps) {
  AddFamily(families, MetricType::Histogram, "jemalloc_allocation_size_bytes",
            "Sizes of the allocations that the program made, rounded up to "
            "size classes (stats.arenas.4096.bins.*.nrequests, "
            "lextents.*.nrequests)",
            heaps,
            [](const LabelledDetails& heap, const HeapDetails& details,
               std::vector<ClientMetric>& metrics) {
              if (!details.sets.sizes) return;
              ClientMetric& metric = metrics.emplace_back();
              metric.label = heap.labels;
              metric.histogram = ToHistogram(details);
            });
}

void AddLocks(std::vector<MetricFamily>& families, const char* name,
              const char* help, const std::vector<LabelledDetails>& heaps,
              Value LockDetails::*counter, double unit = 1) {
  AddFamily(families, MetricType::Counter, name, help, heaps,
            [&](const LabelledDetails& heap, const HeapDetails& details,
                std::vector<ClientMetric>& metrics) {
              if (!details.sets.locks) return;
              for (std::size_t i = 0; i < kHeapLockCount; ++i) {
                const Value& value = details.locks[i].*counter;
                if (!value) continue;
                ClientMetric metric =
                    WithLabel(heap, "mutex", std::string(kHeapLocks[i].name));
                metric.counter.value = static_cast<double>(*value) / unit;
                metrics.push_back(std::move(metric));
              }
            });
}

}  // namespace

std::vector<MetricFamily> DetailsFamilies(
    const std::vector<LabelledDetails>& heaps) {
  std::vector<MetricFamily> families;
  AddBins(families, "jemalloc_bin_allocated_bytes",
          "Bytes in live objects of a size class below four pages, usually 16 "
          "KiB, by size of an object (stats.arenas.4096.bins.*.curregs)",
          heaps, &BinDetails::live, &BinDetails::size);
  AddBins(families, "jemalloc_bin_slab_bytes",
          "Bytes in slabs of a size class below four pages, usually 16 KiB, by "
          "size of an object (stats.arenas.4096.bins.*.curslabs)",
          heaps, &BinDetails::slabs, &BinDetails::slab_bytes);
  AddSizes(families, heaps);
  AddLocks(families, "jemalloc_mutex_acquisitions_total",
           "Acquisitions of a mutex of jemalloc, of all arenas and bins "
           "(stats.arenas.4096.mutexes.*.num_ops)",
           heaps, &LockDetails::acquisitions);
  AddLocks(families, "jemalloc_mutex_waits_total",
           "Acquisitions for which a thread slept "
           "(stats.arenas.4096.mutexes.*.num_wait)",
           heaps, &LockDetails::waits);
  constexpr double kNanosecondsPerSecond = 1e9;
  AddLocks(families, "jemalloc_mutex_wait_seconds_total",
           "Time that threads slept for a mutex of jemalloc, in steps of the "
           "kernel's tick (stats.arenas.4096.mutexes.*.total_wait_time)",
           heaps, &LockDetails::wait_nanoseconds, kNanosecondsPerSecond);
  return families;
}

}  // namespace jemalloc_exporter
