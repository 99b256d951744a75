#ifndef JEMALLOC_EXPORTER_EXPORTER_EXPOSITION_FORMAT_H_
#define JEMALLOC_EXPORTER_EXPORTER_EXPOSITION_FORMAT_H_

namespace jemalloc_exporter {

/// An exposition format: Prometheus text format 0.0.4 or OpenMetrics 1.0.
enum class Format { kText, kOpenMetrics };

}  // namespace jemalloc_exporter

#endif  // JEMALLOC_EXPORTER_EXPORTER_EXPOSITION_FORMAT_H_
