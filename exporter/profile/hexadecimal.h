#ifndef JEMALLOC_EXPORTER_EXPORTER_PROFILE_HEXADECIMAL_H_
#define JEMALLOC_EXPORTER_EXPORTER_PROFILE_HEXADECIMAL_H_

#include <charconv>
#include <cstdint>
#include <string>

namespace jemalloc_exporter {

/// `0x64da0`
inline std::string ToHexadecimal(std::uint64_t number) {
  char digits[16];
  char* const end =
      std::to_chars(digits, digits + sizeof(digits), number, 16).ptr;
  return "0x" + std::string(digits, end);
}

}  // namespace jemalloc_exporter

#endif  // JEMALLOC_EXPORTER_EXPORTER_PROFILE_HEXADECIMAL_H_
