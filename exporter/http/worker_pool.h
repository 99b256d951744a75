#ifndef JEMALLOC_EXPORTER_EXPORTER_HTTP_WORKER_POOL_H_
#define JEMALLOC_EXPORTER_EXPORTER_HTTP_WORKER_POOL_H_

#include <boost/intrusive/slist.hpp>
#include <chrono>
#include <condition_variable>
#include <coroutine>
#include <cstddef>
#include <functional>
#include <list>
#include <mutex>
#include <new>
#include <string>
#include <thread>
#include <utility>

namespace jemalloc_exporter {

/// Runs the blocking jobs of an event loop on threads. Threads are added only
/// while the queue makes no progress, up to a limit; idle ones exit. A batch of
/// quick jobs takes one wake-up of a thread, and one of the event loop. Not
/// boost::asio::thread_pool: that one keeps all its threads from the start.
///
/// All functions are for the thread of the event loop.
class WorkerPool {
 public:
  using Clock = std::chrono::steady_clock;

  struct Options {
    std::size_t max_threads = 0;  ///< 0: no limit.
    /// Whether a job is rejected that all threads are too busy for; otherwise
    /// it waits for any time.
    bool rejects = true;
    /// Wakes the event loop, which then calls `ResumeFinished`. Any thread.
    std::function<void()> wake;
    /// Called with one line where a thread cannot be created; once a minute.
    std::function<void(const std::string& line)> on_error;
    std::chrono::milliseconds idle_timeout{10'000};
  };

  /// To be awaited by a coroutine of the event loop. The result is false where
  /// the job was rejected: all threads were busy for as long as it waited.
  /// Throws std::bad_alloc where `work` has thrown.
  class Job : public boost::intrusive::slist_base_hook<
                  boost::intrusive::link_mode<boost::intrusive::normal_link>> {
   public:
    Job(WorkerPool& pool, std::function<void()> work)
        : pool_(pool), work_(std::move(work)) {}
    Job(const Job&) = delete;
    Job& operator=(const Job&) = delete;

    static bool await_ready() noexcept { return false; }
    void await_suspend(std::coroutine_handle<> waiter) {
      waiter_ = waiter;
      pool_.Add(*this);
    }
    bool await_resume() const {
      if (failed_) throw std::bad_alloc();
      return !rejected_;
    }

   private:
    friend class WorkerPool;

    WorkerPool& pool_;
    const std::function<void()> work_;
    std::coroutine_handle<> waiter_;
    Clock::time_point queued_;
    bool rejected_ = false;
    bool failed_ = false;
  };

  explicit WorkerPool(Options options) : options_(std::move(options)) {}
  /// There must be no jobs left.
  ~WorkerPool();
  WorkerPool(const WorkerPool&) = delete;
  WorkerPool& operator=(const WorkerPool&) = delete;

  /// Resumes the coroutines whose jobs are finished.
  void ResumeFinished();

  /// To be called before the event loop waits, which must not take longer than
  /// until the returned time. Wakes or adds threads for waiting jobs, and
  /// rejects jobs where the queue makes no progress. Throws std::bad_alloc.
  Clock::time_point BeforeWait();

 private:
  // Linked through the jobs, so that no operation allocates.
  using Queue =
      boost::intrusive::slist<Job, boost::intrusive::cache_last<true>,
                              boost::intrusive::constant_time_size<false>>;

  static void ResumeAll(Queue& jobs);
  void Add(Job& job);
  bool AddThread();
  void RejectWaiting(Clock::time_point now);
  void RunThread(std::list<std::thread>::iterator self);

  const Options options_;
  std::mutex mutex_;
  std::condition_variable changed_;
  Queue waiting_;
  Queue finished_;
  std::size_t jobs_done_ = 0;
  std::size_t running_ = 0;
  bool notified_ = false;  // A thread, which has not begun a job yet.
  bool stopping_ = false;
  std::list<std::thread> threads_;
  std::thread exited_;  // The last one, which has joined the one before it.
  // Of the event loop.
  std::size_t jobs_done_at_check_ = 0;
  Clock::time_point stalled_since_;
  Clock::time_point next_error_;
};

}  // namespace jemalloc_exporter

#endif  // JEMALLOC_EXPORTER_EXPORTER_HTTP_WORKER_POOL_H_
