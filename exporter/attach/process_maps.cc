#include "exporter/attach/process_maps.h"

#include <algorithm>
#include <charconv>
#include <optional>
#include <system_error>

namespace jemalloc_exporter {
namespace {

// Removes a field and the separator behind it.
std::string_view RemoveField(std::string_view& line, char separator) {
  const auto end = line.find(separator);
  const std::string_view field = line.substr(0, end);
  line.remove_prefix(end == std::string_view::npos ? line.size() : end + 1);
  return field;
}

bool Parse(std::string_view digits, int base, std::uint64_t& number) {
  const char* const end = digits.data() + digits.size();
  const auto result = std::from_chars(digits.data(), end, number, base);
  return result.ec == std::errc() && result.ptr == end;
}

// "start-end perms offset dev inode   path"
std::optional<Mapping> ParseLine(std::string_view line) {
  Mapping mapping;
  const auto start = RemoveField(line, '-');
  const auto end = RemoveField(line, ' ');
  const auto permissions = RemoveField(line, ' ');
  const auto offset = RemoveField(line, ' ');
  mapping.device = RemoveField(line, ' ');
  const auto inode = RemoveField(line, ' ');
  if (!Parse(start, 16, mapping.start) || !Parse(end, 16, mapping.end) ||
      !Parse(offset, 16, mapping.offset) || !Parse(inode, 10, mapping.inode) ||
      permissions.size() != 4) {
    return std::nullopt;
  }
  mapping.is_readable = permissions[0] == 'r';
  mapping.is_writable = permissions[1] == 'w';
  mapping.is_executable = permissions[2] == 'x';
  line.remove_prefix(std::min(line.find_first_not_of(' '), line.size()));
  mapping.path = line;
  return mapping;
}

}  // namespace

std::vector<Mapping> ParseMaps(std::string_view text) {
  std::vector<Mapping> maps;
  while (!text.empty()) {
    if (auto mapping = ParseLine(RemoveField(text, '\n'))) {
      maps.push_back(*std::move(mapping));
    }
  }
  return maps;
}

const Mapping* FindMapping(const std::vector<Mapping>& maps,
                           std::uint64_t address) {
  const auto found = std::find_if(
      maps.begin(), maps.end(),
      [&](const Mapping& mapping) { return mapping.contains(address); });
  return found == maps.end() ? nullptr : &*found;
}

}  // namespace jemalloc_exporter
