#ifndef JEMALLOC_EXPORTER_EXPORTER_ATTACH_REMOTE_MEMORY_H_
#define JEMALLOC_EXPORTER_EXPORTER_ATTACH_REMOTE_MEMORY_H_

#include <sys/types.h>

#include <cstddef>
#include <cstdint>
#include <string>

namespace jemalloc_exporter {

/// Reads the memory of another process; returns the number of bytes up to the
/// first page that cannot be read. Source: process_vm_readv(2).
std::size_t ReadMemory(pid_t pid, std::uint64_t address, void* to,
                       std::size_t size);

/// Writes the memory of another process. False if a page is not writable; part
/// may have been written. Source: process_vm_writev(2).
bool WriteMemory(pid_t pid, std::uint64_t address, const void* from,
                 std::size_t size);

/// Reads a string up to its NUL, at most `max` bytes.
std::string ReadString(pid_t pid, std::uint64_t address, std::size_t max);

}  // namespace jemalloc_exporter

#endif  // JEMALLOC_EXPORTER_EXPORTER_ATTACH_REMOTE_MEMORY_H_
