#ifndef JEMALLOC_EXPORTER_EXPORTER_PROCESS_PROC_STAT_H_
#define JEMALLOC_EXPORTER_EXPORTER_PROCESS_PROC_STAT_H_

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace jemalloc_exporter {

/// What the kernel says of a process in /proc/PID/stat, see proc(5).
struct ProcStat {
  /// The kernel's name of the process: any 15 bytes at most.
  std::string comm;
  /// `R` running, `S` sleeping, `T` stopped, and so on.
  char state = '?';
  pid_t parent_pid = 0;
  /// User and system time of all threads.
  double cpu_seconds = 0;
  std::uint64_t virtual_memory_bytes = 0;
  std::uint64_t resident_memory_bytes = 0;
  /// Since the Unix epoch; as exact as the kernel's clock tick.
  double start_time_seconds = 0;

  friend bool operator==(const ProcStat&, const ProcStat&) = default;
};

/// Whether the process has released its memory: it is exiting, or a zombie.
inline bool IsEnding(const ProcStat& stat) {
  return stat.virtual_memory_bytes == 0;
}

/// Absent when there is no such process, or /proc is not to be had.
std::optional<ProcStat> ReadProcStat(pid_t pid);

/// What the kernel counts in units of its own.
struct KernelUnits {
  double ticks_per_second;
  std::uint64_t page_bytes;
  double boot_time_seconds;
};

/// Absent when `line` is not of the form of /proc/PID/stat.
std::optional<ProcStat> ParseProcStat(std::string_view line,
                                      const KernelUnits& units);

}  // namespace jemalloc_exporter

#endif  // JEMALLOC_EXPORTER_EXPORTER_PROCESS_PROC_STAT_H_
