#ifndef JEMALLOC_EXPORTER_EXPORTER_TEXT_SECONDS_H_
#define JEMALLOC_EXPORTER_EXPORTER_TEXT_SECONDS_H_

#include <chrono>

namespace jemalloc_exporter {

/// A time span on the command line and in HTTP headers.
using Seconds = std::chrono::duration<double>;

}  // namespace jemalloc_exporter

#endif  // JEMALLOC_EXPORTER_EXPORTER_TEXT_SECONDS_H_
