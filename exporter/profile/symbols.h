#ifndef JEMALLOC_EXPORTER_EXPORTER_PROFILE_SYMBOLS_H_
#define JEMALLOC_EXPORTER_EXPORTER_PROFILE_SYMBOLS_H_

#include <sys/types.h>

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "exporter/attach/process_maps.h"
#include "exporter/profile/debug_info.h"

namespace jemalloc_exporter {

/// Names the functions of a process's addresses from its mapped files: by
/// debug information, by symbol tables, and else by the start of the function,
/// `redis-server+0x64da0` with the file's name.
///
/// The files are untrusted: run it under resource limits. Not thread-safe.
class Symbols {
 public:
  explicit Symbols(pid_t pid);
  Symbols(const Symbols&) = delete;
  Symbols& operator=(const Symbols&) = delete;
  ~Symbols();

  /// The functions at `address`, which `mapping` contains: inlined ones first.
  /// Empty if the file is inaccessible, see `OpenMappedFile`, or has no
  /// function there.
  std::vector<SourceLine> Find(const Mapping& mapping, std::uint64_t address);

  /// The build id of the mapped file in hexadecimal digits; empty without one.
  std::string BuildId(const Mapping& mapping);

 private:
  class File;

  File* FindFile(const Mapping& mapping);

  const pid_t pid_;
  /// By path and inode; null if inaccessible.
  std::map<std::pair<std::string, std::uint64_t>, std::unique_ptr<File>> files_;
};

/// The name in the source of a C++ function; any other name unchanged.
std::string Demangle(const std::string& name);

}  // namespace jemalloc_exporter

#endif  // JEMALLOC_EXPORTER_EXPORTER_PROFILE_SYMBOLS_H_
