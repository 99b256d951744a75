#ifndef JEMALLOC_EXPORTER_COLLECTOR_JEMALLOC_JEMALLOC_VERSION_H_
#define JEMALLOC_EXPORTER_COLLECTOR_JEMALLOC_JEMALLOC_VERSION_H_

#include <cstddef>

#include "jemalloc_exporter/heap_reader.h"

namespace jemalloc_exporter {

/// Returns the version of a jemalloc, `5.3.0-0-g54eaed1d8b56…`; empty if it
/// cannot be read. Valid as long as that jemalloc is loaded. Source:
/// jemalloc(3), `version`.
inline const char* JemallocVersion(Mallctl* mallctl) noexcept {
  using Version = const char*;
  Version version = "";
  std::size_t size = sizeof(Version);
  if (mallctl == nullptr) return "";
  if (mallctl("version", &version, &size, nullptr, 0) != 0) return "";
  return version != nullptr ? version : "";
}

}  // namespace jemalloc_exporter

#endif  // JEMALLOC_EXPORTER_COLLECTOR_JEMALLOC_JEMALLOC_VERSION_H_
