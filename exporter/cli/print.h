#ifndef JEMALLOC_EXPORTER_EXPORTER_CLI_PRINT_H_
#define JEMALLOC_EXPORTER_EXPORTER_CLI_PRINT_H_

#include <iostream>
#include <stdexcept>
#include <string_view>

namespace jemalloc_exporter {

/// Writes all of `text` to stdout, or throws: a full disk must not look like an
/// answer.
inline void Print(std::string_view text) {
  if (!(std::cout << text << std::flush)) {
    throw std::runtime_error("cannot write to stdout");
  }
}

}  // namespace jemalloc_exporter

#endif  // JEMALLOC_EXPORTER_EXPORTER_CLI_PRINT_H_
