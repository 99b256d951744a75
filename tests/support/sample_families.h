#ifndef JEMALLOC_EXPORTER_TESTS_SUPPORT_SAMPLE_FAMILIES_H_
#define JEMALLOC_EXPORTER_TESTS_SUPPORT_SAMPLE_FAMILIES_H_

#include <prometheus/metric_family.h>

#include <vector>

#include "tests/support/metric_families.h"

namespace jemalloc_exporter {

/// One valid family of every metric type and value class.
inline std::vector<prometheus::MetricFamily> SampleFamilies() {
  return {
      Gauges("sample_bytes",
             {Value(4'194'304, {{"comm", "redis-server"}, {"pid", "7"}}),
              Value(1'000'000,
                    {{"comm", "back\\slash \"quote\" new\nline é→😀 \xFF"},
                     {"pid", "8"}}),
              Value(-0.5)},
             "Bytes, \"quoted\" and C:\\new\nlines (stats.sample)"),
      Gauges("sample_limits",
             {Value(kInfinity, {{"which", "most"}}),
              Value(-kInfinity, {{"which", "least"}}),
              Value(kNaN, {{"which", "none"}})},
             "Limits"),
      Gauges("sample_build_info", {Value(1, {{"version", "0.1.0"}})},
             "Information is a gauge in both formats"),
      Gauges("sample_start_time_seconds", {Value(1'700'000'000.25)},
             "Time of the start"),
      Counters("sample_requests_total",
               {Value(3, {{"code", "200"}}), Value(0, {{"code", "500"}})},
               "Requests"),
      Counters("sample_cpu_seconds_total", {Value(0.1)}, "CPU time"),
      Untyped("sample_oddity", {Value(7)}, "Untyped"),
      Histograms("sample_latency_seconds",
                 {Histogram(3, 1.75, {{1, 0.001}, {2, 1}, {3, kInfinity}},
                            {{"path", "/metrics"}}),
                  Histogram(0, 0, {{0, 0.001}, {0, 1}})},
                 "Latency"),
      Histograms("sample_size_bytes",
                 {Histogram(2, 3e6, {{1, 1'048'576}, {2, 1e7}})}, "Sizes"),
      Summaries("sample_wait_seconds",
                {Summary(2, 0.3, {{0.5, 0.1}, {0.99, 0.2}, {1, 0.2}}),
                 Summary(0, 0, {{0.5, kNaN}}, {{"queue", "idle"}})},
                "Waits"),
  };
}

}  // namespace jemalloc_exporter

#endif  // JEMALLOC_EXPORTER_TESTS_SUPPORT_SAMPLE_FAMILIES_H_
