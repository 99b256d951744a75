#include "exporter/cli/profile_conf.h"

#include <bit>
#include <charconv>

namespace jemalloc_exporter {

std::optional<std::uint64_t> ParseSampleBytes(const std::string& text) {
  std::uint64_t bytes = 0;
  const char* const end = text.data() + text.size();
  const auto parsed = std::from_chars(text.data(), end, bytes);
  if (parsed.ec != std::errc() || parsed.ptr != end ||
      !std::has_single_bit(bytes) || bytes > kMaxSampleBytes) {
    return std::nullopt;
  }
  return bytes;
}

std::string ProfileConf(std::uint64_t sample_bytes,
                        std::string_view inherited) {
  std::string conf = "prof:true,prof_active:true,lg_prof_sample:" +
                     std::to_string(std::countr_zero(sample_bytes));
  if (!inherited.empty()) conf.append(",").append(inherited);
  return conf;
}

}  // namespace jemalloc_exporter
