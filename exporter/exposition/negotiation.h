#ifndef JEMALLOC_EXPORTER_EXPORTER_EXPOSITION_NEGOTIATION_H_
#define JEMALLOC_EXPORTER_EXPORTER_EXPOSITION_NEGOTIATION_H_

#include <string_view>

#include "exporter/exposition/format.h"

namespace jemalloc_exporter {

/// Selects the response format from the value of an Accept header, empty if the
/// header is absent (RFC 9110, section 12.5.1).
///
/// Of the entries that match a supported format the one with the highest
/// quality is selected, of equal ones the first. OpenMetrics matches
/// versions 1.0.0 and 0.0.1 (served as 1.0.0), text matches 0.0.4, and both
/// match an absent version. `*/*` and `text/*` select text, `application/*`
/// OpenMetrics. Entries of quality 0, or of a quality that is not a number in
/// [0, 1], are ignored, as are parameters other than `q` and `version`. Without
/// a match the format is text: the response is never 406.
Format NegotiateFormat(std::string_view accept);

/// Returns the Content-Type of an exposition in `format`.
std::string_view ContentType(Format format);

/// Returns whether the response should be compressed with gzip, from the value
/// of an Accept-Encoding header, empty if it is absent (RFC 9110, section
/// 12.5.3): `gzip`, `x-gzip` or `*` have a quality above 0 and not below that
/// of `identity`.
bool AcceptsGzip(std::string_view accept_encoding);

}  // namespace jemalloc_exporter

#endif  // JEMALLOC_EXPORTER_EXPORTER_EXPOSITION_NEGOTIATION_H_
