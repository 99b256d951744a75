#ifndef JEMALLOC_EXPORTER_EXPORTER_CONNECTOR_RELEASE_MEMORY_H_
#define JEMALLOC_EXPORTER_EXPORTER_CONNECTOR_RELEASE_MEMORY_H_

namespace jemalloc_exporter {

/// Reduces the RSS of a forked child that calls little of the program: pages of
/// code that it has used until now, which are read again where they are needed,
/// and the relocated data of libraries that it must not call any more: OpenSSL,
/// libdw and prometheus-cpp.
void ReleaseMemory();

}  // namespace jemalloc_exporter

#endif  // JEMALLOC_EXPORTER_EXPORTER_CONNECTOR_RELEASE_MEMORY_H_
