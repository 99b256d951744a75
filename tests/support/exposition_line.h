#ifndef JEMALLOC_EXPORTER_TESTS_SUPPORT_EXPOSITION_LINE_H_
#define JEMALLOC_EXPORTER_TESTS_SUPPORT_EXPOSITION_LINE_H_

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "exporter/exposition/format.h"

namespace jemalloc_exporter {

// Names and unescaped values.
using ParsedLabels = std::vector<std::pair<std::string, std::string>>;

// A sample line. Numbers are kept as text.
struct ParsedSample {
  std::string name;
  ParsedLabels labels;
  std::string value;
  std::string timestamp;  // Empty if absent.
};

// `# KEYWORD name text`.
struct ParsedMetadata {
  std::string_view keyword;
  std::string_view name;
  std::string_view text;
};

// The functions that parse a line, or a part of one, throw
// std::invalid_argument on the first illegal character.

ParsedSample ReadSample(Format format, std::string_view line);
ParsedMetadata ReadMetadata(std::string_view line);

// Unescapes the text of a HELP line.
std::string ReadHelp(Format format, std::string_view text);

// Parses a number in canonical form: the shortest, without a leading plus.
double ReadNumber(std::string_view text);

// Parses the bound of a bucket, or a quantile.
double ReadBound(Format format, std::string_view text);

// Whether `text` consists of digits.
bool IsCount(std::string_view text);

bool IsUtf8(std::string_view text);

}  // namespace jemalloc_exporter

#endif  // JEMALLOC_EXPORTER_TESTS_SUPPORT_EXPOSITION_LINE_H_
