#ifndef JEMALLOC_EXPORTER_EXPORTER_CLI_COMM_FILTER_H_
#define JEMALLOC_EXPORTER_EXPORTER_CLI_COMM_FILTER_H_

#include <functional>
#include <string>

namespace jemalloc_exporter {

/// Compiles an extended regular expression (regex(7)) that must match the whole
/// name of a process. Returns a thread-safe function; on an invalid expression
/// or one of more than 1024 bytes, an empty one, and assigns one line to
/// `error`.
std::function<bool(const std::string&)> CompileCommFilter(
    const std::string& expression, std::string* error);

}  // namespace jemalloc_exporter

#endif  // JEMALLOC_EXPORTER_EXPORTER_CLI_COMM_FILTER_H_
