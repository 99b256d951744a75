#ifndef JEMALLOC_EXPORTER_EXPORTER_WEB_CREW_H_
#define JEMALLOC_EXPORTER_EXPORTER_WEB_CREW_H_

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <exception>
#include <functional>
#include <list>
#include <mutex>
#include <optional>
#include <string>
#include <thread>

#include "web/file_descriptor.h"

namespace jemalloc_exporter {

/// The threads of a server. One of them is on watch: it waits for the network,
/// reads and writes. It also does the jobs that arise from that, because most
/// of them take less time than waking another thread. If that keeps it busy for
/// more than a millisecond or two it is relieved: another thread takes the
/// watch, and others the jobs that still wait. So nobody waits for a slow job
/// longer than that.
///
/// All threads are called `je_exporter_web`. There are two, and one more for
/// each job that is slow at the same time; one that has had nothing to do for a
/// while leaves, and gives its memory back.
class Crew {
 public:
  struct Job {
    /// What takes its time. Must not throw.
    std::function<void()> work;
    /// What the watch does with the result, in `FinishJobs`.
    std::function<void()> finish;
  };

  using Time = std::chrono::milliseconds;

  struct Duties {
    /// One round of the watch. Returns false, when there are no jobs, to end it
    /// for good.
    std::function<bool()> watch;
    /// Makes the round that is under way end soon. From any thread.
    std::function<void()> wake;
    /// Called with one line when there can be no more threads. Slow jobs may
    /// hold up others then.
    std::function<void(const std::string& line)> on_problem;
    /// As many jobs may be slow at the same time, and keep the others waiting
    /// if there are more; 0 is any number.
    std::size_t max_slow = 0;
    /// How long a thread stays that has nothing to do.
    Time leisure{10'000};
  };

  /// Throws std::system_error where there can be no more file descriptors.
  explicit Crew(Duties duties);
  /// Waits for the end of the watch.
  ~Crew();
  Crew(const Crew&) = delete;
  Crew& operator=(const Crew&) = delete;

  /// Begins the watch. Throws std::system_error where there can be no more
  /// threads.
  void Begin();

  /// Gives the crew a job. To be called in `watch`; done after the round.
  void Add(Job job);

  /// Finishes the jobs that are done; returns whether there were any. To be
  /// called in `watch`.
  bool FinishJobs();

 private:
  using Clock = std::chrono::steady_clock;
  using Lock = std::unique_lock<std::mutex>;

  void Live();
  void StandWatch();
  bool WorkOnWatch();
  void DoNextJob(Lock& lock);
  void Supervise(Lock& lock);
  void Report(const std::exception& error) const;
  void Hire(std::size_t wanted);
  void Leave();
  void SetTimer();

  const Duties duties_;
  const FileDescriptor timer_;
  std::list<Job> added_;  // In this round: of the thread on watch.

  std::mutex mutex_;
  std::condition_variable changed_;
  std::list<Job> waiting_;
  std::list<Job> done_;
  bool watched_ = false;  // A thread is on watch.
  // Set while the thread on watch does jobs.
  std::optional<Clock::time_point> working_since_;
  bool timer_set_ = false;
  bool supervised_ = false;  // A thread waits for the timer to relieve it.
  bool ended_ = false;
  std::size_t free_ = 0;  // Threads without a duty.
  std::list<std::thread> threads_;
  std::list<std::thread> left_;  // Nobody has joined them yet.
};

}  // namespace jemalloc_exporter

#endif  // JEMALLOC_EXPORTER_EXPORTER_WEB_CREW_H_
