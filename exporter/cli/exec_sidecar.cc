#include "exporter/cli/exec_sidecar.h"

#include <poll.h>
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
#include "exporter/cli/process_records.h"
#include "exporter/process/proc_stat.h"
#include "jemalloc_exporter/heap_report.h"

namespace jemalloc_exporter {
namespace {

using Clock = std::chrono::steady_clock;
using std::chrono::milliseconds;

// As many as a listener remembers tests.
constexpr std::size_t kMaxProcesses = 10'000;

constexpr milliseconds kLeastPause{20};
constexpr milliseconds kMostPause{100};
constexpr int kPausePerLook = 20;

// For the file while the command runs, as seldom as a hundredth of the time
// allows.
constexpr std::chrono::seconds kLeastInterim{1};
constexpr int kInterimPerWrite = 100;

// While it lasts, the snapshots of all others grow old.
constexpr std::chrono::seconds kPatience{1};

// What ended and waits for its parent has no memory any more.
bool IsRunning(pid_t pid, double start_time_seconds) {
  const auto stat = ReadProcStat(pid);
  return stat && stat->start_time_seconds == start_time_seconds &&
         stat->virtual_memory_bytes > 0;
}

class Watch {
 public:
  explicit Watch(const ExecSidecarOptions& options)
      : options_(options), start_(Clock::now()), next_interim_(start_) {
    run_.name = SanitizeUtf8(
        std::filesystem::path(options.command).filename().string());
    run_.result = "running";
  }

  // Returns how long it took.
  Clock::duration Look() {
    const auto begin = Clock::now();
    records_.Take(poller_.Poll(kPatience));
    return Clock::now() - begin;
  }

  void WriteInterim() {
    const auto begin = Clock::now();
    if (begin < next_interim_) return;
    Write(WriteCheckpoint);
    const auto end = Clock::now();
    next_interim_ = end + std::max<Clock::duration>(
                              kLeastInterim, kInterimPerWrite * (end - begin));
  }

  // Without an end, there is nobody left to say it.
  void Finish(const std::optional<CommandEnd>& end) {
    if (end) {
      run_.result = end->passed ? "passed" : "failed";
      run_.duration_seconds =
          std::chrono::duration<double>(Clock::now() - start_).count();
    }
    Write(WriteFileAtomically);
  }

 private:
  void Write(decltype(WriteFileAtomically)& write) {
    const std::string error =
        write(options_.path, ToJson(records_.ToReport(run_, IsRunning)));
    if (!error.empty() && error != last_error_) {
      PrintError("cannot write " + options_.path + ": " + error);
    }
    last_error_ = error;
  }

  const ExecSidecarOptions& options_;
  const Clock::time_point start_;
  Clock::time_point next_interim_;
  HeapReportEntry run_;
  ProcessRecords records_{kMaxProcesses};
  AgentPoller poller_{{.includes = options_.contains}};
  std::string last_error_;
};

// False when the pipe has nothing to say yet.
bool AwaitEnd(int pipe, Clock::duration time) {
  pollfd ready = {pipe, POLLIN, 0};
  const auto wait = std::chrono::ceil<milliseconds>(time).count();
  return poll(&ready, 1, static_cast<int>(wait)) > 0;
}

std::optional<CommandEnd> ReadEnd(int pipe) {
  CommandEnd end;
  ssize_t size = 0;
  do {
    size = read(pipe, &end, sizeof(end));
  } while (size < 0 && errno == EINTR);
  return size == sizeof(end) ? std::optional(end) : std::nullopt;
}

}  // namespace

void WriteExecSidecar(const ExecSidecarOptions& options, int end) {
  Watch watch(options);
  Clock::duration pause{};
  do {
    watch.WriteInterim();
    const auto took = watch.Look();
    pause = std::clamp<Clock::duration>(kPausePerLook * took, kLeastPause,
                                        kMostPause);
  } while (!AwaitEnd(end, pause));
  watch.Finish(ReadEnd(end));
}

}  // namespace jemalloc_exporter
