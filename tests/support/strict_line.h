#ifndef JEMALLOC_EXPORTER_TESTS_SUPPORT_STRICT_LINE_H_
#define JEMALLOC_EXPORTER_TESTS_SUPPORT_STRICT_LINE_H_

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "exporter/exposition/format.h"

namespace jemalloc_exporter {

// Names and values, as they were before they were escaped.
using StrictLabels = std::vector<std::pair<std::string, std::string>>;

// A sample as it stands in its line. Numbers are kept as they are written.
struct StrictSample {
  std::string name;
  StrictLabels labels;
  std::string value;
  std::string timestamp;  // Empty if there is none.
};

// `# KEYWORD name text`.
struct StrictMetadata {
  std::string_view keyword;
  std::string_view name;
  std::string_view text;
};

// What reads a line, or a part of one, throws std::invalid_argument where a
// character is out of place.

StrictSample ReadSample(Format format, std::string_view line);
StrictMetadata ReadMetadata(std::string_view line);

// What a HELP line tells.
std::string ReadHelp(Format format, std::string_view text);

// A number in the one way to write it: the shortest, with no plus before it.
double ReadNumber(std::string_view text);

// The bound of a bucket, or a quantile.
double ReadBound(Format format, std::string_view text);

// Digits alone.
bool IsCount(std::string_view text);

bool IsUtf8(std::string_view text);

}  // namespace jemalloc_exporter

#endif  // JEMALLOC_EXPORTER_TESTS_SUPPORT_STRICT_LINE_H_
