#include "exporter/cli/profile.h"

#include <poll.h>
#include <sys/resource.h>
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <cstdint>
#include <stdexcept>
#include <string_view>
#include <thread>

#include "collector/report/atomic_file.h"
#include "exporter/agent_client/profile_reader.h"
#include "exporter/cli/log.h"
#include "exporter/cli/write_stdout.h"
#include "exporter/process/proc_stat.h"
#include "exporter/profile/collapsed.h"
#include "exporter/profile/exit_status.h"
#include "exporter/profile/flame_graph.h"
#include "exporter/profile/heap_dump.h"
#include "exporter/profile/heap_profile.h"
#include "exporter/profile/pprof.h"

namespace jemalloc_exporter {
namespace {

constexpr rlim_t kMaxAddressBytes = rlim_t{1} << 30;
constexpr rlim_t kMaxProcessorSeconds = 20;
constexpr unsigned kMaxSeconds = 30;

constexpr int kFailure = 1;
constexpr int kBadCommandLine = 2;

using SteadyClock = std::chrono::steady_clock;
using SystemClock = std::chrono::system_clock;

// A profile and the time at which it was received.
struct Reading {
  AgentProfile profile;
  SystemClock::time_point time;
};

Reading Read(pid_t pid) {
  Reading reading;
  reading.profile = ReadAgentProfile(pid, SteadyClock::now() + kProfileTimeout);
  reading.time = SystemClock::now();
  return reading;
}

// Ends the process at a limit. Only functions that are safe in a handler.
extern "C" void EndAtLimit(int /*signal*/) {
  constexpr std::string_view kMessage =
      "jemalloc_exporter: reading the symbols took too long; try "
      "--no-symbols\n";
  const ssize_t ignored =
      write(STDERR_FILENO, kMessage.data(), kMessage.size());
  static_cast<void>(ignored);
  _exit(kFailure);
}

void LowerLimit(int resource, rlim_t value) {
  rlimit limit = {};
  getrlimit(static_cast<__rlimit_resource>(resource), &limit);
  if (limit.rlim_cur <= value) return;
  limit.rlim_cur = value;
  setrlimit(static_cast<__rlimit_resource>(resource), &limit);
}

void LimitThisProcess() {
  std::signal(SIGXCPU, EndAtLimit);
  std::signal(SIGALRM, EndAtLimit);
  LowerLimit(RLIMIT_AS, kMaxAddressBytes);
  LowerLimit(RLIMIT_CPU, kMaxProcessorSeconds);
  LowerLimit(RLIMIT_CORE, 0);
  alarm(kMaxSeconds);
}

std::int64_t ToNanoseconds(SystemClock::duration time) {
  return std::chrono::duration_cast<std::chrono::nanoseconds>(time).count();
}

HeapDump Parse(pid_t pid, const Reading& reading) {
  std::string error;
  auto dump = ParseHeapDump(reading.profile.dump, &error);
  if (!dump) {
    throw std::runtime_error("the heap profile of process " +
                             std::to_string(pid) + " is invalid: " + error);
  }
  return *std::move(dump);
}

// The heap profile with symbols: of one reading, or of the difference between
// two.
HeapProfile Convert(const ProfileOptions& options, const Reading* before,
                    const Reading& now) {
  HeapDump dump = Parse(options.pid, now);
  if (before != nullptr) {
    dump = Difference(Parse(options.pid, *before), std::move(dump));
  }
  HeapProfile profile = ToHeapProfile(
      dump, options.pid,
      options.no_symbols ? SymbolDetail::kBuildIds : SymbolDetail::kFunctions);
  profile.time_ns = ToNanoseconds(now.time.time_since_epoch());
  if (before != nullptr) {
    profile.duration_ns = ToNanoseconds(now.time - before->time);
  }
  profile.comm = now.profile.comm;
  profile.pid = options.pid;
  profile.jemalloc_version = now.profile.jemalloc_version;
  return profile;
}

// Waits for `time`. Ends the process at once where nothing reads the result.
void Wait(const ProfileOptions& options, Seconds time) {
  const auto end = SteadyClock::now() +
                   std::chrono::duration_cast<SteadyClock::duration>(time);
  while (options.output.empty() && SteadyClock::now() < end) {
    const auto rest =
        std::chrono::ceil<std::chrono::milliseconds>(end - SteadyClock::now());
    pollfd reader = {STDOUT_FILENO, 0, 0};
    if (poll(&reader, 1, static_cast<int>(rest.count())) <= 0) continue;
    if ((reader.revents & POLLERR) != 0) {
      throw std::runtime_error("stdout is closed");
    }
    break;
  }
  std::this_thread::sleep_until(end);
}

// A process that has reused the pid meanwhile is another.
Reading ReadLater(const ProfileOptions& options, Seconds time) {
  const pid_t pid = options.pid;
  const auto before = ReadProcStat(pid);
  Wait(options, time);
  Reading reading = Read(pid);
  const auto after = ReadProcStat(pid);
  if (before && after &&
      before->start_time_seconds != after->start_time_seconds) {
    throw ProfileError(
        ProfileFailure::kAbsent,
        "there is no process " + std::to_string(pid) + " any more");
  }
  return reading;
}

std::string ToFormat(const HeapProfile& profile,
                     const ProfileOptions& options) {
  switch (options.format) {
    case ProfileFormat::kFlameGraph:
      return ToFlameGraph(profile, options.is_served ? FlameGraphUse::kServed
                                                     : FlameGraphUse::kFile);
    case ProfileFormat::kCollapsed:
      return ToCollapsed(profile);
    default:
      return ToPprof(profile);
  }
}

std::string Render(const ProfileOptions& options) {
  Reading reading = Read(options.pid);
  if (options.format == ProfileFormat::kRaw) {
    return std::move(reading.profile.dump);
  }
  std::optional<Reading> before;
  if (options.time) {
    before = std::move(reading);
    reading = ReadLater(options, *options.time);
  }
  LimitThisProcess();
  const HeapProfile profile =
      Convert(options, before ? &*before : nullptr, reading);
  std::string rendered = ToFormat(profile, options);
  alarm(0);  // The reader of stdout may take longer.
  return rendered;
}

int ExitStatus(ProfileFailure failure) {
  switch (failure) {
    case ProfileFailure::kAbsent:
      return kNoProfile;
    case ProfileFailure::kTimeout:
      return kNoProfileInTime;
    case ProfileFailure::kInvalid:
      break;
  }
  return kFailure;
}

int Write(const ProfileOptions& options) {
  const std::string profile = Render(options);
  if (options.output.empty()) {
    WriteStdout(profile);
    return 0;
  }
  const std::string error = WriteFileAtomically(options.output, profile);
  if (!error.empty()) throw std::runtime_error(options.output + ": " + error);
  return 0;
}

}  // namespace

int RunProfile(const ProfileOptions& options) {
  if (options.format == ProfileFormat::kPprof && options.output.empty() &&
      isatty(STDOUT_FILENO) != 0) {
    PrintError(
        "a profile in the format pprof is binary; redirect stdout, or use "
        "--output FILE");
    return kBadCommandLine;
  }
  try {
    return Write(options);
  } catch (const ProfileError& error) {
    PrintError(error.what());
    return ExitStatus(error.failure());
  }
}

}  // namespace jemalloc_exporter
