#ifndef JEMALLOC_EXPORTER_EXPORTER_AGENT_FILE_TABLE_H_
#define JEMALLOC_EXPORTER_EXPORTER_AGENT_FILE_TABLE_H_

namespace jemalloc_exporter {

/// Gives the calling thread an empty table of file descriptors of its own; the
/// other threads keep theirs. False if the kernel refuses, or if the table
/// cannot be emptied: before Linux 5.9 that needs /proc.
bool UnshareFileDescriptors();

/// Gives the calling thread a working directory, root and umask of its own. A
/// host that shares these with a thread may not enter a mount namespace. Where
/// this is forbidden, the host is in a container and rarely may.
///
/// The directory is `/`: in the host's first one, a file system could not be
/// unmounted after the host has left it.
void UnshareFilesystemContext();

}  // namespace jemalloc_exporter

#endif  // JEMALLOC_EXPORTER_EXPORTER_AGENT_FILE_TABLE_H_
