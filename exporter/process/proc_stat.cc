#include "exporter/process/proc_stat.h"

#include <unistd.h>

#include <array>
#include <atomic>
#include <charconv>

#include "exporter/agent/protocol.h"
#include "exporter/process/proc_file.h"
#include "exporter/process/process.h"
#include "exporter/text/sanitize_label.h"

namespace jemalloc_exporter {
namespace {

// Numbers of fields, counted from 1 as in proc(5). The first one after comm:
constexpr std::size_t kFirstField = 3;
constexpr std::size_t kParentPid = 4;
constexpr std::size_t kUserTime = 14;
constexpr std::size_t kSystemTime = 15;
constexpr std::size_t kStartTime = 22;
constexpr std::size_t kVirtualSize = 23;
constexpr std::size_t kResidentPages = 24;

// The time of boot, in seconds since the Unix epoch: `btime` of /proc/stat.
// 0 where it cannot be read, for lack of descriptors for instance.
double ReadBootTime() {
  constexpr std::string_view kKey = "\nbtime ";
  const std::string stat = ReadProcFile("/proc/stat");
  const auto key = stat.find(kKey);
  double seconds = 0;
  if (key != std::string::npos) {
    std::from_chars(stat.data() + key + kKey.size(), stat.data() + stat.size(),
                    seconds);
  }
  return seconds;
}

// Read once: it moves with each adjustment of the clock.
double BootTime() {
  static std::atomic<double> boot_time = 0;
  double known = boot_time;
  if (known != 0) return known;
  const double read = ReadBootTime();
  return boot_time.compare_exchange_strong(known, read) ? read : known;
}

}  // namespace

std::optional<ProcStat> ParseProcStat(std::string_view line,
                                      const KernelUnits& units) {
  // The name may contain any byte, parentheses and spaces included.
  const auto name = line.find('(');
  const auto name_end = line.rfind(')');
  if (name == std::string_view::npos || name_end == std::string_view::npos ||
      name_end < name) {
    return std::nullopt;
  }
  std::array<std::uint64_t, kResidentPages + 1> fields{};
  std::string_view rest = line.substr(name_end + 1);
  const char state = rest.size() > 1 ? rest[1] : '?';
  for (std::size_t i = kFirstField; i < fields.size(); ++i) {
    if (rest.empty() || rest.front() != ' ') return std::nullopt;
    rest.remove_prefix(1);
    const std::string_view field = rest.substr(0, rest.find_first_of(" \n"));
    // Letters and negative numbers are in fields that are not used: 0.
    std::from_chars(field.data(), field.data() + field.size(), fields.at(i));
    rest.remove_prefix(field.size());
  }
  const auto seconds = [&](std::uint64_t ticks) {
    return static_cast<double>(ticks) / units.ticks_per_second;
  };
  return ProcStat{
      .comm = std::string(line.substr(name + 1, name_end - name - 1)),
      .state = state,
      .parent_pid = static_cast<pid_t>(fields[kParentPid]),
      .cpu_seconds = seconds(fields[kUserTime] + fields[kSystemTime]),
      .virtual_memory_bytes = fields[kVirtualSize],
      .resident_memory_bytes = fields[kResidentPages] * units.page_bytes,
      .start_time_seconds =
          units.boot_time_seconds + seconds(fields[kStartTime]),
  };
}

std::optional<ProcStat> ReadProcStat(pid_t pid) {
  const KernelUnits units{
      .ticks_per_second = static_cast<double>(sysconf(_SC_CLK_TCK)),
      .page_bytes = static_cast<std::uint64_t>(sysconf(_SC_PAGESIZE)),
      .boot_time_seconds = BootTime(),
  };
  if (units.boot_time_seconds == 0) return std::nullopt;
  return ParseProcStat(ReadProcFile("/proc/" + std::to_string(pid) + "/stat"),
                       units);
}

void SetProcStat(const ProcStat& stat, Process& process) {
  process.comm = SanitizeLabel(stat.comm, kMaxCommSize);
  process.kernel_state = stat.state;
  process.resident_memory_bytes = stat.resident_memory_bytes;
  process.start_time_seconds = stat.start_time_seconds;
}

}  // namespace jemalloc_exporter
