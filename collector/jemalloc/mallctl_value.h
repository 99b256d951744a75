#ifndef JEMALLOC_EXPORTER_COLLECTOR_JEMALLOC_MALLCTL_VALUE_H_
#define JEMALLOC_EXPORTER_COLLECTOR_JEMALLOC_MALLCTL_VALUE_H_

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

#include "jemalloc_exporter/heap_reader.h"

namespace jemalloc_exporter {

/// The merged statistics of all arenas that exist, and of all that were
/// destroyed: MALLCTL_ARENAS_ALL and MALLCTL_ARENAS_DESTROYED in jemalloc.h.
inline constexpr std::string_view kAllArenas = "stats.arenas.4096.";
inline constexpr std::string_view kDestroyedArenas = "stats.arenas.4097.";

/// Reads a value; returns 0 or the error, ENOENT where this jemalloc does not
/// have the key. On a wrong size jemalloc writes part of the value and fails,
/// so the value counts only when the result is 0 and the size matches.
template <typename T>
int ReadMallctl(Mallctl* mallctl, const char* name, T* value) {
  std::size_t size = sizeof(T);
  T read{};
  const int error = mallctl(name, &read, &size, nullptr, 0);
  if (error != 0) return error;
  if (size != sizeof(T)) return EINVAL;
  *value = read;
  return 0;
}

template <typename T>
std::optional<T> ReadAs(Mallctl* mallctl, const char* name) {
  T value{};
  if (ReadMallctl(mallctl, name, &value) != 0) return std::nullopt;
  return value;
}

/// Reads a value of an unsigned type; absent for the other types.
inline std::optional<std::uint64_t> ReadUnsigned(Mallctl* mallctl,
                                                 const char* name,
                                                 MallctlType type) {
  switch (type) {
    case MallctlType::kSize:
      return ReadAs<std::size_t>(mallctl, name);
    case MallctlType::kUnsigned:
      return ReadAs<unsigned>(mallctl, name);
    case MallctlType::kUint64:
      return ReadAs<std::uint64_t>(mallctl, name);
    case MallctlType::kSignedSize:
    case MallctlType::kBool:
    case MallctlType::kString:
      break;
  }
  return std::nullopt;
}

/// A name for mallctl, built of parts without an allocation. Parts beyond its
/// size are left out.
class MallctlName {
 public:
  MallctlName& Append(std::string_view part) {
    const std::size_t size = std::min(part.size(), kMaxSize - size_);
    std::copy_n(part.data(), size, text_ + size_);
    size_ += size;
    return *this;
  }
  MallctlName& Append(std::uint64_t number) {
    size_ = static_cast<std::size_t>(
        std::to_chars(text_ + size_, text_ + kMaxSize, number).ptr - text_);
    return *this;
  }

  const char* c_str() const { return text_; }

 private:
  static constexpr std::size_t kMaxSize = 95;
  char text_[kMaxSize + 1] = {};
  std::size_t size_ = 0;
};

}  // namespace jemalloc_exporter

#endif  // JEMALLOC_EXPORTER_COLLECTOR_JEMALLOC_MALLCTL_VALUE_H_
