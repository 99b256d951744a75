#ifndef JEMALLOC_EXPORTER_TESTS_SUPPORT_EXPOSITION_CHECKER_H_
#define JEMALLOC_EXPORTER_TESTS_SUPPORT_EXPOSITION_CHECKER_H_

#include <string>
#include <string_view>
#include <vector>

#include "exporter/exposition/format.h"
#include "tests/support/exposition_line.h"

namespace jemalloc_exporter {

// A family as parsed from an exposition.
struct ParsedFamily {
  std::string name;
  std::string type;
  std::string unit;
  std::string help;
  std::vector<ParsedSample> samples;
};

// Parses the canonical form that the serializer writes: legal in its format,
// and without its optional variations, such as an absent TYPE, unsorted labels
// or empty label values. Throws std::invalid_argument for any other input.
std::vector<ParsedFamily> ParseExposition(Format format, std::string_view text);

// Checks one family on its own. Throws std::invalid_argument.
void CheckFamily(Format format, const ParsedFamily& family);

}  // namespace jemalloc_exporter

#endif  // JEMALLOC_EXPORTER_TESTS_SUPPORT_EXPOSITION_CHECKER_H_
