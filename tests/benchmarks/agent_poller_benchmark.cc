// Duration of a poll of real processes with jemalloc and the preloaded agent,
// in a network namespace without others. Needs root or user namespaces.

#include <benchmark/benchmark.h>
#include <sched.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <vector>

#include "exporter/agent_client/agent_poller.h"

namespace {

using jemalloc_exporter::Process;
using jemalloc_exporter::ProcessStatus;
using std::chrono::seconds;
using std::chrono::steady_clock;

// Host processes that run until their shared standard input is closed.
class Hosts {
 public:
  explicit Hosts(std::size_t count) {
    if (pipe(input_) != 0) return;
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_adddup2(&actions, input_[0], STDIN_FILENO);
    posix_spawn_file_actions_addclose(&actions, input_[1]);
    posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", 1,
                                     0);
    char program[] = AGENT_HOST;
    char mode[] = "wait";
    char preload[] = "LD_PRELOAD=" AGENT;
    char* const arguments[] = {program, mode, nullptr};
    char* const environment[] = {preload, nullptr};
    while (pids_.size() < count) {
      pid_t pid = 0;
      if (posix_spawn(&pid, program, &actions, nullptr, arguments,
                      environment) != 0) {
        break;
      }
      pids_.push_back(pid);
    }
    posix_spawn_file_actions_destroy(&actions);
  }
  Hosts(const Hosts&) = delete;
  Hosts& operator=(const Hosts&) = delete;
  ~Hosts() {
    close(input_[0]);
    close(input_[1]);
    for (const pid_t pid : pids_) waitpid(pid, nullptr, 0);
  }

 private:
  std::vector<pid_t> pids_;
  int input_[2] = {-1, -1};
};

std::size_t CountUsed() {
  const auto processes = jemalloc_exporter::AgentPoller().Poll(seconds(10));
  return static_cast<std::size_t>(std::count_if(
      processes.begin(), processes.end(),
      [](const Process& p) { return p.status == ProcessStatus::kUsed; }));
}

void PollAgents(benchmark::State& state) {
  const auto count = static_cast<std::size_t>(state.range(0));
  const Hosts hosts(count);
  const auto deadline = steady_clock::now() + seconds(60);
  while (CountUsed() < count && steady_clock::now() < deadline) {
  }
  for ([[maybe_unused]] auto _ : state) {
    if (CountUsed() != count) {
      state.SkipWithError("not all agents responded");
      break;
    }
  }
  state.counters["per_agent"] =
      benchmark::Counter(static_cast<double>(count),
                         benchmark::Counter::kIsIterationInvariantRate |
                             benchmark::Counter::kInvert);
}
BENCHMARK(PollAgents)
    ->Arg(1)
    ->Arg(10)
    ->Arg(100)
    ->Arg(1000)
    ->Unit(benchmark::kMillisecond)
    ->UseRealTime();

}  // namespace

int main(int argc, char** argv) {
  if (unshare(CLONE_NEWNET) != 0 &&
      unshare(CLONE_NEWUSER | CLONE_NEWNET) != 0) {
    std::perror("network namespaces are forbidden");
    return 1;
  }
  benchmark::Initialize(&argc, argv);
  benchmark::RunSpecifiedBenchmarks();
}
