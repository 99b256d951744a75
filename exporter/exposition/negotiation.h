#ifndef JEMALLOC_EXPORTER_EXPORTER_EXPOSITION_NEGOTIATION_H_
#define JEMALLOC_EXPORTER_EXPORTER_EXPOSITION_NEGOTIATION_H_

#include <string_view>

#include "exporter/exposition/format.h"

namespace jemalloc_exporter {

/// The format to answer a request with, by the value of its Accept header,
/// empty where it has none (RFC 9110, section 12.5.1).
///
/// Of the entries that name a format of ours the one with the highest quality
/// wins, of equal ones the first. OpenMetrics is named by versions 1.0.0 and
/// 0.0.1 (answered as 1.0.0), text by 0.0.4, both by no version at all. `*/*`
/// and `text/*` name text, `application/*` OpenMetrics. An entry of quality 0
/// or of one that is no number from 0 to 1 does not count, and parameters other
/// than `q` and `version` mean nothing here. Where nothing is left it is text:
/// every request has an answer.
Format NegotiateFormat(std::string_view accept);

/// The Content-Type of a page.
std::string_view ContentType(Format format);

/// Whether the answer may be, and had better be, compressed with gzip, by the
/// value of the Accept-Encoding header, empty where there is none (RFC 9110,
/// section 12.5.3): `gzip`, `x-gzip` or `*` have a quality above 0, and not
/// below that of `identity`.
bool AcceptsGzip(std::string_view accept_encoding);

}  // namespace jemalloc_exporter

#endif  // JEMALLOC_EXPORTER_EXPORTER_EXPOSITION_NEGOTIATION_H_
