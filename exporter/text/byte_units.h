#ifndef JEMALLOC_EXPORTER_EXPORTER_TEXT_BYTE_UNITS_H_
#define JEMALLOC_EXPORTER_EXPORTER_TEXT_BYTE_UNITS_H_

#include <cstdint>
#include <string>

namespace jemalloc_exporter {

/// A number of bytes for a person, in the largest unit of 1024 that leaves at
/// least 1, with one decimal: `512.0 KiB`; below 1 KiB whole, `17 B`.
std::string ToByteUnits(std::uint64_t bytes);

}  // namespace jemalloc_exporter

#endif  // JEMALLOC_EXPORTER_EXPORTER_TEXT_BYTE_UNITS_H_
