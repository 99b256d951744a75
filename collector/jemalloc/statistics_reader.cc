#include "collector/jemalloc/statistics_reader.h"

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "collector/jemalloc/mallctl_value.h"
#include "collector/jemalloc/mutex_names.h"

// jemalloc fails on `stats.arenas.<i>.uptime` in builds without statistics with
// a null pointer, and takes a lock and calls dlsym(3) for `background_thread`:
// neither is read.

namespace jemalloc_exporter {
namespace {

using Value = HeapStatistics::Value;

// MALLCTL_ARENAS_ALL: arenas have smaller indices.
constexpr std::uint64_t kMaxArenas = 4096;

// jemalloc has 36 bins with pages of 4 KiB, and 4 more each time that doubles.
constexpr unsigned kMaxBins = 256;

// Whether the statistics have destroyed arenas. The key does not exist before
// jemalloc 5, where no arena can be destroyed.
bool HasDestroyedArenas(Mallctl* mallctl) {
  return ReadAs<bool>(mallctl, "arena.4097.initialized").value_or(false);
}

Value Sum(const Value& a, const Value& b) {
  if (!a || !b) return std::nullopt;
  return *a + *b;
}

Value ReadRow(Mallctl* mallctl, const HeapStatistic& row,
              bool has_destroyed_arenas) {
  const Value value = ReadUnsigned(mallctl, row.mallctl, row.type);
  if (!value || !has_destroyed_arenas || !IncludesDestroyedArenas(row)) {
    return value;
  }
  MallctlName destroyed;
  destroyed.Append(kDestroyedArenas).Append(row.mallctl + kAllArenas.size());
  return Sum(value, ReadUnsigned(mallctl, destroyed.c_str(), row.type));
}

Value InBytes(const Value& pages, std::optional<std::size_t> page_size) {
  if (!pages || !page_size) return std::nullopt;
  return *pages * *page_size;
}

// Live large allocations, one page each: jemalloc's large_pad.
Value ReadLargePadding(Mallctl* mallctl, std::optional<std::size_t> page_size) {
  auto is_padded = ReadAs<bool>(mallctl, "opt.cache_oblivious");
  // Before jemalloc 5.3, no option but of the build.
  if (!is_padded) is_padded = ReadAs<bool>(mallctl, "config.cache_oblivious");
  const auto allocations =
      ReadAs<std::uint64_t>(mallctl, "stats.arenas.4096.large.nmalloc");
  const auto deallocations =
      ReadAs<std::uint64_t>(mallctl, "stats.arenas.4096.large.ndalloc");
  if (!is_padded || !allocations || !deallocations) return std::nullopt;
  if (!*is_padded || *allocations < *deallocations) return 0;
  return InBytes(*allocations - *deallocations, page_size);
}

Value CountInitializedArenas(Mallctl* mallctl, const Value& narenas) {
  if (!narenas || *narenas > kMaxArenas) return std::nullopt;
  std::uint64_t count = 0;
  for (std::uint64_t arena = 0; arena < *narenas; ++arena) {
    MallctlName name;
    name.Append("arena.").Append(arena).Append(".initialized");
    const auto is_initialized = ReadAs<bool>(mallctl, name.c_str());
    if (!is_initialized) return std::nullopt;
    if (*is_initialized) ++count;
  }
  return count;
}

// One counter summed over all locks. A lock that this jemalloc does not have is
// left out. After any other error there is no sum: a smaller one would look
// like a counter that was reset.
class LockSum {
 public:
  LockSum(Mallctl* mallctl, std::string_view counter)
      : mallctl_(mallctl), counter_(counter) {}

  void AddArenas(std::string_view arenas) {
    const unsigned bins =
        ReadAs<unsigned>(mallctl_, "arenas.nbins").value_or(kMaxBins + 1);
    has_failed_ |= bins > kMaxBins;
    for (unsigned bin = 0; bin < bins && !has_failed_; ++bin) {
      MallctlName name;
      name.Append(arenas).Append("bins.").Append(bin).Append(".mutex.");
      Add(name);
    }
    for (const std::string_view mutex : kArenaMutexes) {
      MallctlName name;
      name.Append(arenas).Append("mutexes.").Append(mutex).Append(".");
      Add(name);
    }
  }

  void AddProcess() {
    for (const std::string_view mutex : kProcessMutexes) {
      MallctlName name;
      name.Append("stats.mutexes.").Append(mutex).Append(".");
      Add(name);
    }
  }

  Value value() const {
    if (has_failed_ || !has_locks_) return std::nullopt;
    return sum_;
  }

 private:
  void Add(MallctlName& lock) {
    std::uint64_t value = 0;
    const int error =
        ReadMallctl(mallctl_, lock.Append(counter_).c_str(), &value);
    has_locks_ |= error == 0;
    has_failed_ |= error != 0 && error != ENOENT;
    sum_ += value;
  }

  Mallctl* mallctl_;
  std::string_view counter_;
  std::uint64_t sum_ = 0;
  bool has_locks_ = false;
  bool has_failed_ = false;
};

Value SumOfLocks(Mallctl* mallctl, std::string_view counter,
                 bool has_destroyed_arenas) {
  LockSum sum(mallctl, counter);
  sum.AddProcess();
  // A build without statistics has no lock: not tried 45 times more.
  if (!sum.value()) return std::nullopt;
  sum.AddArenas(kAllArenas);
  if (has_destroyed_arenas) sum.AddArenas(kDestroyedArenas);
  return sum.value();
}

HeapOptionValue ReadText(Mallctl* mallctl, const char* name) {
  const char* const text = ReadAs<const char*>(mallctl, name).value_or(nullptr);
  if (text == nullptr) return {};
  std::size_t size = 0;
  while (size < HeapOptionValue::kMaxSize && text[size] != '\0') ++size;
  return HeapOptionValue({text, size});
}

template <typename T>
HeapOptionValue ToText(const std::optional<T>& number) {
  if (!number) return {};
  char digits[HeapOptionValue::kMaxSize];
  const char* const end =
      std::to_chars(digits, digits + sizeof(digits), *number).ptr;
  return HeapOptionValue({digits, static_cast<std::size_t>(end - digits)});
}

HeapOptionValue ReadOption(Mallctl* mallctl, const HeapOption& option) {
  switch (option.type) {
    case MallctlType::kString:
      return ReadText(mallctl, option.mallctl);
    case MallctlType::kBool: {
      const auto value = ReadAs<bool>(mallctl, option.mallctl);
      if (!value) return {};
      return HeapOptionValue(*value ? "true" : "false");
    }
    case MallctlType::kSignedSize:
      return ToText(ReadAs<std::ptrdiff_t>(mallctl, option.mallctl));
    default:
      return ToText(ReadUnsigned(mallctl, option.mallctl, option.type));
  }
}

}  // namespace

HeapStatistics ReadStatistics(Mallctl* mallctl,
                              std::optional<std::uint64_t> narenas) {
  HeapStatistics statistics;
  const bool has_destroyed_arenas = HasDestroyedArenas(mallctl);
  const auto page_size = ReadAs<std::size_t>(mallctl, "arenas.page");
  for (const HeapStatistic& row : kHeapStatistics) {
    if (row.mallctl == nullptr) continue;
    Value& value = statistics.*row.value;
    value = ReadRow(mallctl, row, has_destroyed_arenas);
    if (row.unit == MallctlUnit::kPages) value = InBytes(value, page_size);
  }
  statistics.large_padding_bytes = ReadLargePadding(mallctl, page_size);
  statistics.arenas_initialized = CountInitializedArenas(mallctl, narenas);
  statistics.lock_waits = SumOfLocks(mallctl, "num_wait", has_destroyed_arenas);
  statistics.lock_wait_nanoseconds =
      SumOfLocks(mallctl, "total_wait_time", has_destroyed_arenas);
  return statistics;
}

HeapOptions ReadOptions(Mallctl* mallctl) {
  HeapOptions options;
  for (std::size_t i = 0; i < kHeapOptionCount; ++i) {
    options.values[i] = ReadOption(mallctl, kHeapOptions[i]);
  }
  return options;
}

}  // namespace jemalloc_exporter
