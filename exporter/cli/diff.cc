#include "exporter/cli/diff.h"

#include <cstddef>
#include <stdexcept>
#include <string>
#include <utility>

#include "exporter/cli/input_file.h"
#include "exporter/cli/log.h"
#include "exporter/cli/write_stdout.h"
#include "jemalloc_exporter/heap_report.h"
#include "jemalloc_exporter/heap_serialization.h"

namespace jemalloc_exporter {
namespace {

// A report of 10,000 tests has about 10 MB.
constexpr std::size_t kMaxFileBytes = 64 << 20;

std::string ReadFile(const std::string& path) {
  std::string error;
  auto text = ReadInputFile(path, kMaxFileBytes, &error);
  if (!text) throw std::runtime_error(path + ": " + error);
  return *std::move(text);
}

// Parses `json`, the content of `path`. Throws std::runtime_error.
template <auto Parse>
auto Read(const std::string& path, const std::string& json) {
  std::string error;
  auto parsed = Parse(json, &error);
  if (!parsed) throw std::runtime_error(path + ": " + error);
  return *std::move(parsed);
}

std::string DiffFiles(const DiffOptions& options) {
  const std::string before = ReadFile(options.before);
  const std::string after = ReadFile(options.after);
  const bool reports = IsHeapReport(before);
  if (reports != IsHeapReport(after)) {
    throw std::runtime_error(
        (reports ? options.before : options.after) + " is of a test run and " +
        (reports ? options.after : options.before) + " is not");
  }
  if (reports) {
    return Diff(Read<ParseHeapReport>(options.before, before),
                Read<ParseHeapReport>(options.after, after));
  }
  return Diff(Read<ParseHeapSnapshot>(options.before, before),
              Read<ParseHeapSnapshot>(options.after, after));
}

}  // namespace

DiffStatus RunDiff(const DiffOptions& options) try {
  const std::string diff = DiffFiles(options);
  WriteStdout(diff);
  return diff.empty() ? kDiffEqual : kDiffDifferent;
} catch (const std::exception& exception) {
  PrintError(exception.what());
  return kDiffTrouble;
}

}  // namespace jemalloc_exporter
