#ifndef JEMALLOC_EXPORTER_EXPORTER_PROCESS_PROC_FILE_H_
#define JEMALLOC_EXPORTER_EXPORTER_PROCESS_PROC_FILE_H_

#include <cstddef>
#include <string>

namespace jemalloc_exporter {

/// The contents of a file in /proc; empty when it cannot be opened or read. A
/// process that ends between the two makes read(2) fail with ESRCH, which
/// std::ifstream reports as an exception. Throws std::bad_alloc only.
std::string ReadProcFile(const std::string& path);

/// The rest of an open file, up to `max_size` bytes; empty when it cannot be
/// read. Throws std::bad_alloc only.
std::string ReadDescriptor(int descriptor, std::size_t max_size);

}  // namespace jemalloc_exporter

#endif  // JEMALLOC_EXPORTER_EXPORTER_PROCESS_PROC_FILE_H_
