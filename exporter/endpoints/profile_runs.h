#ifndef JEMALLOC_EXPORTER_EXPORTER_ENDPOINTS_PROFILE_RUNS_H_
#define JEMALLOC_EXPORTER_EXPORTER_ENDPOINTS_PROFILE_RUNS_H_

#include <sys/types.h>

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <functional>
#include <list>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "exporter/http/message.h"

namespace jemalloc_exporter {

/// Profiles in progress: at most `kMaxRuns`, of different processes. Equal
/// requests share one. Thread-safe.
class ProfileRuns {
 public:
  using Clock = std::chrono::steady_clock;

  static constexpr std::size_t kMaxRuns = 2;

  struct Command {
    pid_t pid = 0;
    std::vector<std::string> arguments;
    /// How long it is expected to take, for Retry-After.
    std::chrono::seconds time{0};
  };

  /// Returns the response of `respond`, or of its call for an equal command
  /// that has not returned yet. `respond` is given whether all clients that
  /// wait for it have disconnected, or `End` was called. 503 with Retry-After
  /// while another command reads this process, or `kMaxRuns` others. Throws the
  /// exceptions of `respond`.
  Response Get(
      const Request& request, const Command& command,
      const std::function<Response(const std::function<bool()>& is_abandoned)>&
          respond);

  /// Abandons all runs; from then on `Get` returns 503.
  void End();

  /// Of a run that was abandoned: clients that have disconnected receive none.
  static Response Ending();

  /// Calls of `Get` that wait for a response.
  std::size_t waiting();

 private:
  struct Run {
    Command command;
    Clock::time_point end;
    std::vector<Request> waiting;
    bool is_abandoned = false;
    bool is_done = false;
    Response response = {};
  };

  bool IsAbandoned(Run& run);
  void Finish(const std::shared_ptr<Run>& run, Response response);
  const Run* FindBlocking(pid_t pid) const;

  std::mutex mutex_;
  std::condition_variable changed_;
  std::list<std::shared_ptr<Run>> runs_;
  bool has_ended_ = false;
};

}  // namespace jemalloc_exporter

#endif  // JEMALLOC_EXPORTER_EXPORTER_ENDPOINTS_PROFILE_RUNS_H_
