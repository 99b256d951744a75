#include "exporter/attach/remote_memory.h"

#include <sys/uio.h>

#include <algorithm>

namespace jemalloc_exporter {
namespace {

// The kernel takes the address of the other process as a pointer.
iovec RemoteRange(std::uint64_t address, std::size_t size) {
  // NOLINTNEXTLINE(performance-no-int-to-ptr)
  return {.iov_base = reinterpret_cast<void*>(address), .iov_len = size};
}

}  // namespace

std::size_t ReadMemory(pid_t pid, std::uint64_t address, void* to,
                       std::size_t size) {
  const iovec local = {.iov_base = to, .iov_len = size};
  const iovec remote = RemoteRange(address, size);
  const ssize_t bytes = process_vm_readv(pid, &local, 1, &remote, 1, 0);
  return bytes > 0 ? static_cast<std::size_t>(bytes) : 0;
}

bool WriteMemory(pid_t pid, std::uint64_t address, const void* from,
                 std::size_t size) {
  const iovec local = {.iov_base = const_cast<void*>(from), .iov_len = size};
  const iovec remote = RemoteRange(address, size);
  return process_vm_writev(pid, &local, 1, &remote, 1, 0) ==
         static_cast<ssize_t>(size);
}

std::string ReadString(pid_t pid, std::uint64_t address, std::size_t max) {
  std::string text(max, '\0');
  // Up to the end of a page at a time: the next one may be unmapped.
  constexpr std::size_t kPage = 4096;
  std::size_t size = 0;
  while (size < max) {
    const std::size_t wanted =
        std::min(max - size, kPage - (address + size) % kPage);
    const std::size_t bytes =
        ReadMemory(pid, address + size, text.data() + size, wanted);
    const auto end = text.find('\0', size);
    if (end < size + bytes) return text.substr(0, end);
    size += bytes;
    if (bytes < wanted) break;
  }
  return text.substr(0, size);
}

}  // namespace jemalloc_exporter
