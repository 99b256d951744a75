#ifndef JEMALLOC_EXPORTER_EXPORTER_CLI_WRITE_STDOUT_H_
#define JEMALLOC_EXPORTER_EXPORTER_CLI_WRITE_STDOUT_H_

#include <iostream>
#include <stdexcept>
#include <string_view>

namespace jemalloc_exporter {

/// Writes all of `text` to stdout. Throws std::runtime_error on failure, for
/// instance on a full disk.
inline void WriteStdout(std::string_view text) {
  if (!(std::cout << text << std::flush)) {
    throw std::runtime_error("cannot write to stdout");
  }
}

}  // namespace jemalloc_exporter

#endif  // JEMALLOC_EXPORTER_EXPORTER_CLI_WRITE_STDOUT_H_
