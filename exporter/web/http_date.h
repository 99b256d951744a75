#ifndef JEMALLOC_EXPORTER_EXPORTER_WEB_HTTP_DATE_H_
#define JEMALLOC_EXPORTER_EXPORTER_WEB_HTTP_DATE_H_

#include <ctime>
#include <string>

namespace jemalloc_exporter {

/// `time` as HTTP writes it, whatever the locale: RFC 9110, section 5.6.7.
/// `Sun, 06 Nov 1994 08:49:37 GMT`
std::string HttpDate(std::time_t time);

}  // namespace jemalloc_exporter

#endif  // JEMALLOC_EXPORTER_EXPORTER_WEB_HTTP_DATE_H_
