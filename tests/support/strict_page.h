#ifndef JEMALLOC_EXPORTER_TESTS_SUPPORT_STRICT_PAGE_H_
#define JEMALLOC_EXPORTER_TESTS_SUPPORT_STRICT_PAGE_H_

#include <string>
#include <string_view>
#include <vector>

#include "exporter/exposition/format.h"
#include "tests/support/strict_line.h"

namespace jemalloc_exporter {

// A family as it stands on a page.
struct StrictFamily {
  std::string name;
  std::string type;
  std::string unit;
  std::string help;
  std::vector<StrictSample> samples;
};

// Reads a page that is written in the one way that we write: legal in its
// format, and without the liberties that it grants, such as to leave out TYPE,
// to order labels at will, or to have labels without a value. Throws
// std::invalid_argument for any other.
std::vector<StrictFamily> ReadStrictly(Format format, std::string_view page);

// What one family has to be in itself; throws the same.
void CheckFamily(Format format, const StrictFamily& family);

}  // namespace jemalloc_exporter

#endif  // JEMALLOC_EXPORTER_TESTS_SUPPORT_STRICT_PAGE_H_
