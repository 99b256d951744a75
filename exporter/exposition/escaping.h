#ifndef JEMALLOC_EXPORTER_EXPORTER_EXPOSITION_ESCAPING_H_
#define JEMALLOC_EXPORTER_EXPORTER_EXPOSITION_ESCAPING_H_

#include <string>
#include <string_view>

#include "exporter/exposition/format.h"

namespace jemalloc_exporter {

/// Appends `value` as the quoted part of a label, equal in both formats:
/// backslash, newline and quote are escaped, invalid UTF-8 is replaced.
void AppendLabelValue(std::string& out, std::string_view value);

/// Appends `help` as the text of a HELP line: escaped like a label value,
/// except that the text format does not escape quotes.
void AppendHelp(std::string& out, Format format, std::string_view help);

}  // namespace jemalloc_exporter

#endif  // JEMALLOC_EXPORTER_EXPORTER_EXPOSITION_ESCAPING_H_
