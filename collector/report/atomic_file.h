#ifndef JEMALLOC_EXPORTER_COLLECTOR_REPORT_ATOMIC_FILE_H_
#define JEMALLOC_EXPORTER_COLLECTOR_REPORT_ATOMIC_FILE_H_

#include <string>
#include <string_view>

namespace jemalloc_exporter {

/// Writes `text` to the file at `path`. Every output file of this project is
/// written here. Symbolic links are followed, as by open(2).
///
/// A regular file is replaced atomically: a reader finds the previous content
/// or all of `text`, also after a power failure. The new file has the mode of
/// the replaced one and, where permitted, its owner; without one, 0666 less the
/// umask. A process that is killed meanwhile leaves `path.XXXXXX`.
///
/// Any other file (device, pipe, terminal) is written in place. So are
/// `/dev/stdout`, `/dev/fd/N` and the like, at the end of the file. A FIFO
/// needs a reader (else ENXIO); one that reads nothing for 5 s is ETIMEDOUT.
///
/// Returns the error's message, and then leaves no temporary file; empty on
/// success. Raises no SIGPIPE. Thread-safe, also between processes in different
/// pid namespaces. Throws std::bad_alloc.
std::string WriteFileAtomically(const std::string& path, std::string_view text);

/// Like `WriteFileAtomically`, for a file that is written repeatedly: it
/// survives the end of this process, not of the machine (no fsync). A file that
/// would be written in place is left alone, and that is no error: its reader
/// expects one document, the final one.
std::string WriteCheckpoint(const std::string& path, std::string_view text);

}  // namespace jemalloc_exporter

#endif  // JEMALLOC_EXPORTER_COLLECTOR_REPORT_ATOMIC_FILE_H_
