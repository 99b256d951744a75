#ifndef JEMALLOC_EXPORTER_EXPORTER_PROCESS_STRIPPED_JEMALLOC_H_
#define JEMALLOC_EXPORTER_EXPORTER_PROCESS_STRIPPED_JEMALLOC_H_

#include <string>

namespace jemalloc_exporter {

/// Describes a jemalloc that is linked into the program `path`, but that the
/// agent cannot find, because its symbols are stripped: "jemalloc 5.3.0 is
/// present, but its symbols are stripped: …". Empty where the program has the
/// symbols or no jemalloc, and where the file cannot be read.
///
/// Reads up to 256 MiB of the file for jemalloc's strings, about 1 GB/s: not
/// for scrapes. The version is omitted where it is not in jemalloc's form.
std::string DescribeStrippedJemalloc(const std::string& path);

}  // namespace jemalloc_exporter

#endif  // JEMALLOC_EXPORTER_EXPORTER_PROCESS_STRIPPED_JEMALLOC_H_
