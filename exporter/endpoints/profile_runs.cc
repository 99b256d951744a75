#include "exporter/endpoints/profile_runs.h"

#include <algorithm>
#include <utility>

namespace jemalloc_exporter {
namespace {

Response Busy(const std::string& reason, ProfileRuns::Clock::time_point end) {
  Response response = ErrorResponse(503, reason);
  const auto rest =
      std::chrono::ceil<std::chrono::seconds>(end - ProfileRuns::Clock::now());
  response.headers.emplace_back(
      "Retry-After",
      std::to_string(std::max<std::chrono::seconds::rep>(rest.count(), 1)));
  return response;
}

}  // namespace

Response ProfileRuns::Ending() {
  return ErrorResponse(503, "the exporter is ending");
}

// Null if a command for this process can run.
const ProfileRuns::Run* ProfileRuns::FindBlocking(pid_t pid) const {
  const auto same = std::ranges::find_if(
      runs_,
      [&](const std::shared_ptr<Run>& run) { return run->command.pid == pid; });
  if (same != runs_.end()) return same->get();
  if (runs_.size() < kMaxRuns) return nullptr;
  return std::ranges::min(runs_, {}, [](const auto& run) { return run->end; })
      .get();
}

Response ProfileRuns::Get(
    const Request& request, const Command& command,
    const std::function<Response(const std::function<bool()>&)>& respond) {
  std::unique_lock lock(mutex_);
  if (has_ended_) return Ending();
  const auto equal =
      std::ranges::find_if(runs_, [&](const std::shared_ptr<Run>& run) {
        return !run->is_abandoned &&
               run->command.arguments == command.arguments;
      });
  if (equal != runs_.end()) {
    const std::shared_ptr<Run> run = *equal;
    run->waiting.push_back(request);
    changed_.wait(lock, [&] { return run->is_done; });
    return run->response;
  }
  if (const Run* const blocking = FindBlocking(command.pid)) {
    return Busy(blocking->command.pid == command.pid
                    ? "another profile of process " +
                          std::to_string(command.pid) + " is being read"
                    : std::to_string(kMaxRuns) +
                          " profiles are being read, try again later",
                blocking->end);
  }
  const auto run = std::make_shared<Run>(
      Run{command, Clock::now() + command.time, {request}});
  runs_.push_back(run);
  lock.unlock();
  try {
    Response response = respond([&] { return IsAbandoned(*run); });
    Finish(run, response);
    return response;
  } catch (...) {
    Finish(run, ErrorResponse(500, "the profile could not be read"));
    throw;
  }
}

void ProfileRuns::End() {
  const std::lock_guard lock(mutex_);
  has_ended_ = true;
}

std::size_t ProfileRuns::waiting() {
  const std::lock_guard lock(mutex_);
  std::size_t count = 0;
  for (const std::shared_ptr<Run>& run : runs_) count += run->waiting.size();
  return count;
}

// Shared by no further request from then on.
bool ProfileRuns::IsAbandoned(Run& run) {
  const std::lock_guard lock(mutex_);
  run.is_abandoned =
      has_ended_ || std::ranges::all_of(run.waiting, HasDisconnected);
  return run.is_abandoned;
}

void ProfileRuns::Finish(const std::shared_ptr<Run>& run, Response response) {
  const std::lock_guard lock(mutex_);
  run->response = std::move(response);
  run->is_done = true;
  runs_.remove(run);
  changed_.notify_all();
}

}  // namespace jemalloc_exporter
