#ifndef JEMALLOC_EXPORTER_EXPORTER_ENDPOINTS_SCRAPE_PATIENCE_H_
#define JEMALLOC_EXPORTER_EXPORTER_ENDPOINTS_SCRAPE_PATIENCE_H_

#include <chrono>
#include <string_view>

namespace jemalloc_exporter {

using Seconds = std::chrono::duration<double>;

/// How long a scrape may wait for processes to answer: `most`, or less where
/// the scraper would be gone by then. `scrape_timeout` is what it says of its
/// own patience, the value of X-Prometheus-Scrape-Timeout-Seconds; a margin is
/// left for the answer to travel. What is no positive number says nothing.
Seconds PatienceOfScrape(std::string_view scrape_timeout, Seconds most);

}  // namespace jemalloc_exporter

#endif  // JEMALLOC_EXPORTER_EXPORTER_ENDPOINTS_SCRAPE_PATIENCE_H_
