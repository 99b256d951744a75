#include "exporter/endpoints/scrape_timeout.h"

#include <algorithm>
#include <charconv>
#include <system_error>

namespace jemalloc_exporter {
namespace {

// For the response to reach the client.
constexpr Seconds kMargin{0.25};

}  // namespace

Seconds EffectiveScrapeTimeout(std::string_view scrape_timeout, Seconds max) {
  double seconds = 0;
  const char* const end = scrape_timeout.data() + scrape_timeout.size();
  const auto [rest, error] =
      std::from_chars(scrape_timeout.data(), end, seconds);
  // Not `<= 0`, which is false for NaN.
  if (error != std::errc{} || rest != end || !(seconds > 0)) return max;
  const Seconds timeout(seconds);
  return std::min(max, std::max(timeout - kMargin, timeout / 2));
}

}  // namespace jemalloc_exporter
