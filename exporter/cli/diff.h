#ifndef JEMALLOC_EXPORTER_EXPORTER_CLI_DIFF_H_
#define JEMALLOC_EXPORTER_EXPORTER_CLI_DIFF_H_

#include <string>

namespace jemalloc_exporter {

/// Exit status, the same as of diff(1).
enum DiffStatus { kDiffEqual = 0, kDiffDifferent = 1, kDiffTrouble = 2 };

struct DiffOptions {
  std::string before;
  std::string after;
};

/// Prints the changes between two JSON snapshots, or between two reports. On an
/// error, prints one line to stderr with the file and the position.
DiffStatus RunDiff(const DiffOptions& options);

}  // namespace jemalloc_exporter

#endif  // JEMALLOC_EXPORTER_EXPORTER_CLI_DIFF_H_
