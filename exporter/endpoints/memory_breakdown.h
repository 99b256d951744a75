#ifndef JEMALLOC_EXPORTER_EXPORTER_ENDPOINTS_MEMORY_BREAKDOWN_H_
#define JEMALLOC_EXPORTER_EXPORTER_ENDPOINTS_MEMORY_BREAKDOWN_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <numeric>
#include <optional>
#include <string_view>

#include "exporter/process/process.h"

namespace jemalloc_exporter {

/// The uses of a process's resident memory, in stacking order.
enum class MemoryUse : std::size_t {
  kLive,           ///< allocated
  kFragmentation,  ///< active - allocated - padding
  kPadding,        ///< The extra page of each large allocation.
  kActive,         ///< active, where allocated is unknown
  kRetained,       ///< resident - active
  kOutside,        ///< RSS - resident
  kUnknown,        ///< The rest of RSS, where jemalloc reports no more.
};

struct MemoryUseText {
  std::string_view css_class;
  std::string_view title;
  std::string_view meaning;
};

/// By `MemoryUse`.
inline constexpr std::array<MemoryUseText, 7> kMemoryUseTexts = {{
    {"live", "Live data", "allocated by the program and not freed"},
    {"fragmentation", "Fragmentation",
     "holes between live allocations (active − allocated − padding)"},
    {"padding", "Padding",
     "one page for each allocation of four pages or more"},
    {"active", "Active",
     "live data and fragmentation, in a jemalloc built without statistics"},
    {"retained", "Kept by jemalloc",
     "freed pages not yet returned to the kernel, and metadata (resident − "
     "active)"},
    {"outside", "Outside jemalloc",
     "code, stacks, mapped files, other allocators (RSS − resident)"},
    {"unknown", "Unknown", "resident memory that jemalloc does not report on"},
}};

/// Bytes by `MemoryUse`.
struct MemoryBreakdown {
  std::array<std::uint64_t, kMemoryUseTexts.size()> bytes{};

  std::uint64_t operator[](MemoryUse use) const {
    return bytes.at(static_cast<std::size_t>(use));
  }
  std::uint64_t total() const {
    return std::accumulate(bytes.begin(), bytes.end(), std::uint64_t{0});
  }

  friend bool operator==(const MemoryBreakdown&,
                         const MemoryBreakdown&) = default;
};

/// Splits the process's RSS by use. Where RSS is unknown the total is
/// `resident_bytes`, or else `active_bytes`. The numbers are not of one
/// instant: each is limited to what the ones before it leave of the total.
/// Absent where neither `allocated_bytes` nor `active_bytes` is known.
std::optional<MemoryBreakdown> BreakDownMemory(const Process& process);

}  // namespace jemalloc_exporter

#endif  // JEMALLOC_EXPORTER_EXPORTER_ENDPOINTS_MEMORY_BREAKDOWN_H_
