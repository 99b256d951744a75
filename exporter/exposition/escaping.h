#ifndef JEMALLOC_EXPORTER_EXPORTER_EXPOSITION_ESCAPING_H_
#define JEMALLOC_EXPORTER_EXPORTER_EXPOSITION_ESCAPING_H_

#include <string>
#include <string_view>

#include "exporter/exposition/format.h"

namespace jemalloc_exporter {

/// Appends `value` as it stands between the quotes of a label, in both formats:
/// backslash, newline and quote escaped, valid UTF-8.
void AppendLabelValue(std::string& out, std::string_view value);

/// Appends `help` as it stands in a HELP line: as a label's value, except that
/// the text format leaves quotes alone.
void AppendHelp(std::string& out, Format format, std::string_view help);

}  // namespace jemalloc_exporter

#endif  // JEMALLOC_EXPORTER_EXPORTER_EXPOSITION_ESCAPING_H_
