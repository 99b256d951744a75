#include "exporter/cli/exec_report.h"

#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <filesystem>
#include <optional>
#include <utility>

#include "collector/report/atomic_file.h"
#include "collector/text/utf8.h"
#include "exporter/agent_client/agent_poller.h"
#include "exporter/cli/log.h"
#include "exporter/cli/process_snapshots.h"
#include "exporter/http/wait_until_readable.h"
#include "exporter/process/proc_stat.h"
#include "jemalloc_exporter/heap_report.h"

namespace jemalloc_exporter {
namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

// The number of tests in the report of a GoogleTest run.
constexpr std::size_t kMaxProcesses = 10'000;

constexpr milliseconds kMinPause{20};
constexpr milliseconds kMaxPause{100};
constexpr int kPauseFactor = 20;

// Checkpoints take at most a hundredth of the time.
constexpr std::chrono::seconds kMinCheckpointInterval{1};
constexpr int kCheckpointFactor = 100;

// The age of all other snapshots when one process does not respond.
constexpr std::chrono::seconds kPollTimeout{1};

bool IsRunning(pid_t pid, double start_time_seconds) {
  const auto stat = ReadProcStat(pid);
  return stat && stat->start_time_seconds == start_time_seconds &&
         !IsEnding(*stat);
}

class HeapSampler {
 public:
  explicit HeapSampler(const ExecReportOptions& options)
      : options_(options), start_(Clock::now()), next_checkpoint_(start_) {
    run_.name = SanitizeUtf8(
        std::filesystem::path(options.command).filename().string());
    run_.result = "running";
  }

  // Returns its duration.
  Clock::duration Sample() {
    const auto begin = Clock::now();
    snapshots_.Update(poller_.Poll(kPollTimeout));
    return Clock::now() - begin;
  }

  void WriteCheckpointIfDue() {
    const auto begin = Clock::now();
    if (begin < next_checkpoint_) return;
    Write(WriteCheckpoint);
    const auto end = Clock::now();
    next_checkpoint_ =
        end + std::max<Clock::duration>(kMinCheckpointInterval,
                                        kCheckpointFactor * (end - begin));
  }

  // Without `exit`, `exec` was killed: the command may still run.
  void Finish(const std::optional<CommandExit>& exit) {
    if (exit) {
      run_.result = exit->passed ? "passed" : "failed";
      run_.duration_seconds =
          std::chrono::duration<double>(Clock::now() - start_).count();
    }
    Write(WriteFileAtomically);
  }

 private:
  void Write(decltype(WriteFileAtomically)& write) {
    const std::string error =
        write(options_.path, ToJson(snapshots_.ToReport(run_, IsRunning)));
    if (!error.empty() && error != last_error_) {
      PrintError("cannot write " + options_.path + ": " + error);
    }
    last_error_ = error;
  }

  const ExecReportOptions& options_;
  const Clock::time_point start_;
  Clock::time_point next_checkpoint_;
  HeapReportEntry run_;
  ProcessSnapshots snapshots_{kMaxProcesses};
  AgentPoller poller_{{.includes = options_.contains}};
  std::string last_error_;
};

// Returns false if the pipe is not readable within `time`.
bool WaitForExit(int pipe, Clock::duration time) {
  return WaitUntilReadable(pipe, Clock::now() + time);
}

std::optional<CommandExit> ReadCommandExit(int pipe) {
  CommandExit exit;
  ssize_t size = 0;
  do {
    size = read(pipe, &exit, sizeof(exit));
  } while (size < 0 && errno == EINTR);
  return size == sizeof(exit) ? std::optional(exit) : std::nullopt;
}

}  // namespace

void WriteExecReport(const ExecReportOptions& options, int exit_pipe) {
  HeapSampler sampler(options);
  Clock::duration pause{};
  do {
    sampler.WriteCheckpointIfDue();
    const auto duration = sampler.Sample();
    pause = std::clamp<Clock::duration>(kPauseFactor * duration, kMinPause,
                                        kMaxPause);
  } while (!WaitForExit(exit_pipe, pause));
  sampler.Finish(ReadCommandExit(exit_pipe));
}

}  // namespace jemalloc_exporter
