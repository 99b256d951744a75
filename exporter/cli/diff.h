#ifndef JEMALLOC_EXPORTER_EXPORTER_CLI_DIFF_H_
#define JEMALLOC_EXPORTER_EXPORTER_CLI_DIFF_H_

#include <string>

namespace jemalloc_exporter {

/// The exit status of `diff`, as of diff(1).
enum DiffStatus { kDiffEqual = 0, kDiffDifferent = 1, kDiffTrouble = 2 };

struct DiffOptions {
  std::string before;
  std::string after;
};

/// Prints what changed between two snapshots as JSON, or between the reports
/// of two test runs; or one line on stderr that names the file and the place
/// that is wrong in it.
DiffStatus RunDiff(const DiffOptions& options);

}  // namespace jemalloc_exporter

#endif  // JEMALLOC_EXPORTER_EXPORTER_CLI_DIFF_H_
