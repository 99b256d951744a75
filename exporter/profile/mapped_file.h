#ifndef JEMALLOC_EXPORTER_EXPORTER_PROFILE_MAPPED_FILE_H_
#define JEMALLOC_EXPORTER_EXPORTER_PROFILE_MAPPED_FILE_H_

#include <sys/types.h>

#include "exporter/attach/process_maps.h"
#include "exporter/http/file_descriptor.h"

namespace jemalloc_exporter {

/// Opens the file of a mapping of process `pid`, whose maps are untrusted.
///
/// The path is resolved in the root folder of the process, then in that of the
/// caller: the process may have changed its root since. A symbolic link does
/// not leave it. Opened is a regular file of at most 4 GiB that is the mapped
/// one: of the same device and inode; or, because overlayfs shows others, not
/// changed since the process started, and in the root of the caller of the same
/// inode.
/// An empty descriptor otherwise. Never blocks, and has no effect on a device.
FileDescriptor OpenMappedFile(pid_t pid, const Mapping& mapping);

}  // namespace jemalloc_exporter

#endif  // JEMALLOC_EXPORTER_EXPORTER_PROFILE_MAPPED_FILE_H_
