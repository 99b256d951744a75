#ifndef JEMALLOC_EXPORTER_EXPORTER_PROCESS_PROC_STAT_H_
#define JEMALLOC_EXPORTER_EXPORTER_PROCESS_PROC_STAT_H_

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace jemalloc_exporter {

struct Process;

/// Fields of /proc/PID/stat in base units, see proc(5).
struct ProcStat {
  /// At most 15 bytes of any value but NUL.
  std::string comm;
  /// `R` running, `S` sleeping, `T` stopped, and so on.
  char state = '?';
  pid_t parent_pid = 0;
  /// User and system time of all threads, in s.
  double cpu_seconds = 0;
  std::uint64_t virtual_memory_bytes = 0;
  std::uint64_t resident_memory_bytes = 0;
  /// Seconds since the Unix epoch, in steps of a clock tick (1/100 s).
  double start_time_seconds = 0;

  friend bool operator==(const ProcStat&, const ProcStat&) = default;
};

/// Whether the process has released its memory: it is exiting, or a zombie.
inline bool IsEnding(const ProcStat& stat) {
  return stat.virtual_memory_bytes == 0;
}

/// Absent when there is no such process, or /proc is unreadable. Thread-safe;
/// throws std::bad_alloc only.
std::optional<ProcStat> ReadProcStat(pid_t pid);

/// Sets the members whose source is /proc/PID/stat.
void SetProcStat(const ProcStat& stat, Process& process);

/// Converts the units of /proc/PID/stat.
struct KernelUnits {
  double ticks_per_second;
  std::uint64_t page_bytes;
  double boot_time_seconds;
};

/// Parses the contents of /proc/PID/stat; absent when they are malformed.
std::optional<ProcStat> ParseProcStat(std::string_view line,
                                      const KernelUnits& units);

}  // namespace jemalloc_exporter

#endif  // JEMALLOC_EXPORTER_EXPORTER_PROCESS_PROC_STAT_H_
