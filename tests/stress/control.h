#ifndef JEMALLOC_EXPORTER_TESTS_STRESS_CONTROL_H_
#define JEMALLOC_EXPORTER_TESTS_STRESS_CONTROL_H_

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <atomic>
#include <cstdint>

namespace jemalloc_exporter {

/// Selects the call that fails. In a file that faults.py maps, too.
struct Control {
  std::atomic<std::uint32_t> armed;    ///< Whether calls are counted.
  std::atomic<std::uint32_t> count;    ///< Calls since it was armed.
  std::atomic<std::uint32_t> fail_at;  ///< The call that fails, from 1.
  std::atomic<std::uint32_t> error;    ///< Its errno.
  std::atomic<std::uint32_t> failed;   ///< The number of its system call.

  /// Counts a call. Returns whether it must fail.
  bool Fails() { return armed.load() != 0 && ++count == fail_at.load(); }
};

/// Null if the file cannot be mapped.
inline Control* MapControl(const char* path) {
  const int file = open(path, O_RDWR | O_CLOEXEC);
  void* const mapped = mmap(nullptr, sizeof(Control), PROT_READ | PROT_WRITE,
                            MAP_SHARED, file, 0);
  close(file);
  return mapped == MAP_FAILED ? nullptr : static_cast<Control*>(mapped);
}

}  // namespace jemalloc_exporter

#endif  // JEMALLOC_EXPORTER_TESTS_STRESS_CONTROL_H_
