#ifndef JEMALLOC_EXPORTER_EXPORTER_CLI_INPUT_FILE_H_
#define JEMALLOC_EXPORTER_EXPORTER_CLI_INPUT_FILE_H_

#include <cstddef>
#include <optional>
#include <string>

namespace jemalloc_exporter {

/// Returns the content of the regular file or pipe at `path`, up to `max_size`
/// bytes; waits for the writer of a pipe. Returns nothing, and the reason in
/// `error`, if the file is of another type, larger, or cannot be read.
std::optional<std::string> ReadInputFile(const std::string& path,
                                         std::size_t max_size,
                                         std::string* error);

}  // namespace jemalloc_exporter

#endif  // JEMALLOC_EXPORTER_EXPORTER_CLI_INPUT_FILE_H_
