#ifndef JEMALLOC_EXPORTER_HEAP_OPTIONS_H_
#define JEMALLOC_EXPORTER_HEAP_OPTIONS_H_

#include <cstddef>
#include <iterator>
#include <string_view>

#include "jemalloc_exporter/heap_state.h"

namespace jemalloc_exporter {

/// The name and the source of an option of jemalloc.
struct HeapOption {
  /// The label of `jemalloc_options_info`, and the key in JSON.
  std::string_view label;
  /// Its name for mallctl(3).
  const char* mallctl;
  MallctlType type;
};

/// One row for each option, in the order of every rendering. Not among them:
/// `opt.background_thread`, which programs change while they run (see
/// `HeapStatistics::background_threads`).
inline constexpr HeapOption kHeapOptions[] = {
    {"version", "version", MallctlType::kString},
    // The current values for new arenas, not those of the start.
    {"dirty_decay_ms", "arenas.dirty_decay_ms", MallctlType::kSignedSize},
    {"muzzy_decay_ms", "arenas.muzzy_decay_ms", MallctlType::kSignedSize},
    {"narenas", "opt.narenas", MallctlType::kUnsigned},
    {"tcache", "opt.tcache", MallctlType::kBool},
    {"tcache_max", "opt.tcache_max", MallctlType::kSize},
    {"retain", "opt.retain", MallctlType::kBool},
    {"thp", "opt.thp", MallctlType::kString},
    {"metadata_thp", "opt.metadata_thp", MallctlType::kString},
    {"percpu_arena", "opt.percpu_arena", MallctlType::kString},
    {"oversize_threshold", "opt.oversize_threshold", MallctlType::kSize},
    {"cache_oblivious", "opt.cache_oblivious", MallctlType::kBool},
    {"prof", "opt.prof", MallctlType::kBool},
    {"hpa", "opt.hpa", MallctlType::kBool},
};
inline constexpr std::size_t kHeapOptionCount = std::size(kHeapOptions);

/// The text of an option: `true`, `10000`, `default`. At most 32 characters of
/// printable ASCII without `"` and `\`; others are replaced by `?`. Empty where
/// this jemalloc does not have the option.
class HeapOptionValue {
 public:
  static constexpr std::size_t kMaxSize = 32;

  constexpr HeapOptionValue() = default;

  /// Copies the first characters of `text`.
  constexpr explicit HeapOptionValue(std::string_view text) {
    for (const char c : text) {
      if (size_ == kMaxSize) return;
      const bool is_plain = c >= ' ' && c <= '~' && c != '"' && c != '\\';
      text_[size_++] = is_plain ? c : '?';
    }
  }

  constexpr std::string_view view() const { return {text_, size_}; }
  constexpr bool empty() const { return size_ == 0; }

 private:
  char text_[kMaxSize] = {};
  std::size_t size_ = 0;
};

constexpr bool operator==(const HeapOptionValue& a, const HeapOptionValue& b) {
  return a.view() == b.view();
}

constexpr bool operator!=(const HeapOptionValue& a, const HeapOptionValue& b) {
  return !(a == b);
}

/// The options with which a jemalloc runs, as text. A plain value type.
struct HeapOptions {
  /// The value of each row of `kHeapOptions`, by index.
  HeapOptionValue values[kHeapOptionCount];

  constexpr bool empty() const {
    for (const HeapOptionValue& value : values) {
      if (!value.empty()) return false;
    }
    return true;
  }

  /// A filled value for tests and examples: those of jemalloc 5.3.0.
  static constexpr HeapOptions test_fixture();
};

constexpr bool operator==(const HeapOptions& a, const HeapOptions& b) {
  for (std::size_t i = 0; i < kHeapOptionCount; ++i) {
    if (a.values[i] != b.values[i]) return false;
  }
  return true;
}

constexpr bool operator!=(const HeapOptions& a, const HeapOptions& b) {
  return !(a == b);
}

constexpr HeapOptions HeapOptions::test_fixture() {
  HeapOptions options;
  for (std::size_t i = 0; i < kHeapOptionCount; ++i) {
    std::string_view text = "1000";
    if (kHeapOptions[i].type == MallctlType::kBool) text = "true";
    if (kHeapOptions[i].type == MallctlType::kString) text = "default";
    options.values[i] = HeapOptionValue(text);
  }
  options.values[0] = HeapOptionValue("5.3.0");
  return options;
}

}  // namespace jemalloc_exporter

#endif  // JEMALLOC_EXPORTER_HEAP_OPTIONS_H_
