#ifndef JEMALLOC_EXPORTER_EXPORTER_HTTP_GZIP_H_
#define JEMALLOC_EXPORTER_EXPORTER_HTTP_GZIP_H_

#include <cstddef>
#include <string>
#include <string_view>

namespace jemalloc_exporter {

/// A smaller response fits into one packet without compression.
inline constexpr std::size_t kMinGzipSize = 1400;

/// `data` as a gzip file (RFC 1952), packed fast rather than tight. Throws
/// std::bad_alloc.
std::string Gzip(std::string_view data);

}  // namespace jemalloc_exporter

#endif  // JEMALLOC_EXPORTER_EXPORTER_HTTP_GZIP_H_
