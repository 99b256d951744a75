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

  // Returns the counter of one lock.
  Value Read(MallctlName lock) {
    if (has_failed_) return std::nullopt;
    std::uint64_t value = 0;
    const int error =
        ReadMallctl(mallctl_, lock.Append(counter_).c_str(), &value);
    if (error != 0) {
      has_failed_ = error != ENOENT;
      return std::nullopt;
    }
    Add(value);
    return value;
  }

  void Add(std::uint64_t value) {
    has_locks_ = true;
    sum_ += value;
  }

  void Fail() { has_failed_ = true; }

  Value value() const {
    if (has_failed_ || !has_locks_) return std::nullopt;
    return sum_;
  }

 private:
  Mallctl* mallctl_;
  std::string_view counter_;
  std::uint64_t sum_ = 0;
  bool has_locks_ = false;
  bool has_failed_ = false;
};

class LockSums {
 public:
  explicit LockSums(Mallctl* mallctl)
      : mallctl_(mallctl),
        waits_(mallctl, "num_wait"),
        nanoseconds_(mallctl, "total_wait_time") {}

  void AddProcess() {
    for (const std::string_view mutex : kProcessMutexes) {
      MallctlName name;
      Add(name.Append("stats.mutexes.").Append(mutex).Append("."));
    }
  }

  void AddArenas(std::string_view arenas) {
    const unsigned bins =
        ReadAs<unsigned>(mallctl_, "arenas.nbins").value_or(kMaxBins + 1);
    if (bins > kMaxBins) {
      waits_.Fail();
      nanoseconds_.Fail();
      return;
    }
    for (unsigned bin = 0; bin < bins; ++bin) {
      MallctlName name;
      Add(name.Append(arenas).Append("bins.").Append(bin).Append(".mutex."));
    }
    for (const std::string_view mutex : kArenaMutexes) {
      MallctlName name;
      Add(name.Append(arenas).Append("mutexes.").Append(mutex).Append("."));
    }
  }

  // False in a build without statistics, which has no lock.
  bool any() const { return waits() || nanoseconds(); }

  Value waits() const { return waits_.value(); }
  Value nanoseconds() const { return nanoseconds_.value(); }

 private:
  // jemalloc counts a wait together with its time. Most locks have none, and a
  // name takes longer to find than anything else that is read.
  void Add(const MallctlName& lock) {
    if (waits_.Read(lock) == 0) {
      nanoseconds_.Add(0);
    } else {
      nanoseconds_.Read(lock);
    }
  }

  Mallctl* mallctl_;
  LockSum waits_;
  LockSum nanoseconds_;
};

LockSums ReadLocks(Mallctl* mallctl, bool has_destroyed_arenas) {
  LockSums sums(mallctl);
  sums.AddProcess();
  if (!sums.any()) return sums;
  sums.AddArenas(kAllArenas);
  if (has_destroyed_arenas) sums.AddArenas(kDestroyedArenas);
  return sums;
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
  const LockSums locks = ReadLocks(mallctl, has_destroyed_arenas);
  statistics.lock_waits = locks.waits();
  statistics.lock_wait_nanoseconds = locks.nanoseconds();
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
