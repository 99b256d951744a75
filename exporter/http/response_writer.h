#ifndef JEMALLOC_EXPORTER_EXPORTER_HTTP_RESPONSE_WRITER_H_
#define JEMALLOC_EXPORTER_EXPORTER_HTTP_RESPONSE_WRITER_H_

#include <ctime>
#include <string>

#include "exporter/http/message.h"

namespace jemalloc_exporter {

/// Whether the connection stays open after the response: not after a 4xx, since
/// the request may not have been parsed to its end.
bool ShouldKeepAlive(const HttpRequest& request, const Response& response);

/// The response as it is sent at `now`; to HEAD without the body.
std::string SerializeResponse(const HttpRequest& request,
                              const Response& response, std::time_t now);

/// `Sun, 06 Nov 1994 08:49:37 GMT` (RFC 9110, 5.6.7), in any locale.
std::string HttpDate(std::time_t time);

}  // namespace jemalloc_exporter

#endif  // JEMALLOC_EXPORTER_EXPORTER_HTTP_RESPONSE_WRITER_H_
