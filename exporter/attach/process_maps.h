#ifndef JEMALLOC_EXPORTER_EXPORTER_ATTACH_PROCESS_MAPS_H_
#define JEMALLOC_EXPORTER_EXPORTER_ATTACH_PROCESS_MAPS_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace jemalloc_exporter {

/// A line of /proc/PID/maps, see proc(5).
struct Mapping {
  std::uint64_t start = 0;
  std::uint64_t end = 0;  ///< The first byte after it.
  bool is_readable = false;
  bool is_writable = false;
  bool is_executable = false;
  std::uint64_t offset = 0;  ///< In the file.
  std::string device;        ///< "fd:01"
  std::uint64_t inode = 0;   ///< 0 without a file.
  std::string path;          ///< "[stack]", "/memfd:name (deleted)", or empty.

  bool contains(std::uint64_t address) const {
    return address >= start && address < end;
  }
};

/// Parses the text of /proc/PID/maps. Malformed lines are skipped.
std::vector<Mapping> ParseMaps(std::string_view text);

/// The mapping that contains `address`; null if it is not mapped.
const Mapping* FindMapping(const std::vector<Mapping>& maps,
                           std::uint64_t address);

}  // namespace jemalloc_exporter

#endif  // JEMALLOC_EXPORTER_EXPORTER_ATTACH_PROCESS_MAPS_H_
