#include "exporter/endpoints/scrape_patience.h"

#include <algorithm>
#include <charconv>
#include <system_error>

namespace jemalloc_exporter {
namespace {

constexpr Seconds kMargin{0.25};

}  // namespace

Seconds PatienceOfScrape(std::string_view scrape_timeout, Seconds most) {
  double seconds = 0;
  const char* const end = scrape_timeout.data() + scrape_timeout.size();
  const auto [rest, error] =
      std::from_chars(scrape_timeout.data(), end, seconds);
  // Not `<= 0`, which is false of NaN.
  if (error != std::errc{} || rest != end || !(seconds > 0)) return most;
  const Seconds timeout(seconds);
  return std::min(most, std::max(timeout - kMargin, timeout / 2));
}

}  // namespace jemalloc_exporter
