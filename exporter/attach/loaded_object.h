#ifndef JEMALLOC_EXPORTER_EXPORTER_ATTACH_LOADED_OBJECT_H_
#define JEMALLOC_EXPORTER_EXPORTER_ATTACH_LOADED_OBJECT_H_

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "exporter/attach/elf_file.h"
#include "exporter/attach/target_process.h"

namespace jemalloc_exporter {

/// A program or library whose code is mapped in a process.
struct LoadedObject {
  std::string path;  ///< As in /proc/PID/maps.
  ElfFile file;
  std::uint64_t bias = 0;  ///< Address in memory less address in the file.
  bool is_program = false;

  /// The last component of the path.
  std::string_view name() const;
};

/// Opens the files with code in a process, the program first. Files that cannot
/// be opened are omitted.
///
/// A file is opened by the mapping itself, which is right in other mount
/// namespaces and for replaced files. Without CAP_SYS_ADMIN it is opened by its
/// path, and used only where its start equals that in memory.
std::vector<LoadedObject> OpenLoadedObjects(const TargetProcess& target);

}  // namespace jemalloc_exporter

#endif  // JEMALLOC_EXPORTER_EXPORTER_ATTACH_LOADED_OBJECT_H_
