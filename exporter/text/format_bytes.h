#ifndef JEMALLOC_EXPORTER_EXPORTER_TEXT_FORMAT_BYTES_H_
#define JEMALLOC_EXPORTER_EXPORTER_TEXT_FORMAT_BYTES_H_

#include <cstdint>
#include <string>

namespace jemalloc_exporter {

/// Returns a human-readable number of bytes with one decimal, in the largest
/// binary unit (B to EiB) that gives at least 1: `512.0 KiB`. Below 1 KiB
/// without a decimal: `17 B`.
std::string FormatBytes(std::uint64_t bytes);

}  // namespace jemalloc_exporter

#endif  // JEMALLOC_EXPORTER_EXPORTER_TEXT_FORMAT_BYTES_H_
