#ifndef JEMALLOC_EXPORTER_EXPORTER_PROFILE_HEAP_PROFILE_H_
#define JEMALLOC_EXPORTER_EXPORTER_PROFILE_HEAP_PROFILE_H_

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "exporter/profile/heap_dump.h"

namespace jemalloc_exporter {

/// A function of a location. Strings are sanitized, see `SanitizeLabel`.
struct ProfileFrame {
  std::string function;     ///< Demangled.
  std::string system_name;  ///< As in the symbol table.
  std::string file;         ///< Of its source; empty without debug information.
  int line = 0;             ///< 0 without debug information.
};

struct ProfileMapping {
  std::uint64_t start = 0;
  std::uint64_t limit = 0;   ///< The first byte after it.
  std::uint64_t offset = 0;  ///< In the file.
  std::string path;
  std::string build_id;  ///< Hexadecimal; empty if unknown.
};

struct ProfileLocation {
  /// In the call instruction: the return address less 1.
  std::uint64_t address = 0;
  /// The index of its mapping; absent outside of mapped files.
  std::optional<std::size_t> mapping;
  /// Inlined functions first; empty without symbols.
  std::vector<ProfileFrame> frames;
};

struct ProfileSample {
  /// Indexes of locations, the innermost first.
  std::vector<std::size_t> locations;
  HeapValues values;
};

/// A heap profile with symbols, from which every format is written.
struct HeapProfile {
  std::uint64_t period = 0;
  bool has_alloc = false;
  /// The first is of the executable.
  std::vector<ProfileMapping> mappings;
  std::vector<ProfileLocation> locations;
  std::vector<ProfileSample> samples;
  std::int64_t time_ns = 0;      ///< Since the Unix epoch.
  std::int64_t duration_ns = 0;  ///< Between two dumps; 0 for one.
  std::string comm;              ///< Of the process.
  pid_t pid = 0;
  std::string jemalloc_version;
};

/// What is read from the mapped files: functions and build ids, or only these.
enum class SymbolDetail { kFunctions, kBuildIds };

/// Resolves the addresses of a dump of process `pid`. The frames of jemalloc
/// itself at the inner end of each stack are removed, where it is a shared
/// library. Where the dump has no maps, those of the running process are read.
/// See `Symbols` for the effort, and for what is untrusted.
HeapProfile ToHeapProfile(const HeapDump& dump, pid_t pid, SymbolDetail detail);

/// The name of the innermost function at a location; without symbols the file
/// and the offset in it, `libc.so.6+0x2724a`, or the address.
std::string LocationName(const HeapProfile& profile,
                         const ProfileLocation& location);

}  // namespace jemalloc_exporter

#endif  // JEMALLOC_EXPORTER_EXPORTER_PROFILE_HEAP_PROFILE_H_
