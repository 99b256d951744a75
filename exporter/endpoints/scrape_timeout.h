#ifndef JEMALLOC_EXPORTER_EXPORTER_ENDPOINTS_SCRAPE_TIMEOUT_H_
#define JEMALLOC_EXPORTER_EXPORTER_ENDPOINTS_SCRAPE_TIMEOUT_H_

#include <string_view>

#include "exporter/text/seconds.h"

namespace jemalloc_exporter {

/// The time in which a scrape must have read all processes. `scrape_timeout` is
/// the value of X-Prometheus-Scrape-Timeout-Seconds. The result is 0.25 s less,
/// or half of it if that is more, and at most `max`. It is `max` if the value
/// is not a positive number.
Seconds EffectiveScrapeTimeout(std::string_view scrape_timeout, Seconds max);

}  // namespace jemalloc_exporter

#endif  // JEMALLOC_EXPORTER_EXPORTER_ENDPOINTS_SCRAPE_TIMEOUT_H_
