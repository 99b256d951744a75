#include "exporter/http/worker_pool.h"

#include <algorithm>
#include <exception>
#include <utility>

#include "exporter/http/service_thread.h"

namespace jemalloc_exporter {
namespace {

// The queue makes no progress where all threads are busy and no job has ended
// for this time. A thread that waits for a processor is not busy: rejection
// does not depend on the scheduler.
constexpr std::chrono::milliseconds kStallTime{2};

// A job that has waited for this long in a queue without progress is rejected
// where no thread can be added.
constexpr std::chrono::milliseconds kMaxWait{25};

constexpr std::chrono::seconds kErrorInterval{60};

}  // namespace

WorkerPool::~WorkerPool() {
  std::unique_lock lock(mutex_);
  stopping_ = true;
  changed_.notify_all();
  changed_.wait(lock, [this] { return threads_.empty(); });
  lock.unlock();
  if (exited_.joinable()) exited_.join();
}

void WorkerPool::Add(Job& job) {
  job.queued_ = Clock::now();
  const std::lock_guard lock(mutex_);
  if (waiting_.empty()) stalled_since_ = job.queued_;
  waiting_.push_back(job);
}

void WorkerPool::ResumeAll(Queue& jobs) {
  while (!jobs.empty()) {
    const std::coroutine_handle<> waiter = jobs.front().waiter_;
    jobs.pop_front();
    waiter.resume();  // Ends the job.
  }
}

void WorkerPool::ResumeFinished() {
  Queue finished;
  {
    const std::lock_guard lock(mutex_);
    finished.swap(finished_);
  }
  ResumeAll(finished);
}

WorkerPool::Clock::time_point WorkerPool::BeforeWait() {
  std::unique_lock lock(mutex_);
  if (!finished_.empty()) return Clock::time_point::min();
  if (waiting_.empty()) return Clock::time_point::max();
  const Clock::time_point now = Clock::now();
  const std::size_t count = threads_.size();
  const bool has_free_thread = running_ < count;
  const bool progresses =
      std::exchange(jobs_done_at_check_, jobs_done_) != jobs_done_;
  const bool stalls = !progresses && now - stalled_since_ >= kStallTime;
  if (progresses || has_free_thread) stalled_since_ = now;
  const bool was_notified = std::exchange(notified_, has_free_thread);
  lock.unlock();

  if (has_free_thread) {
    // One thread does quick jobs as fast as several.
    if (stalls) changed_.notify_all();
    if (!was_notified) changed_.notify_one();
  } else if (stalls || count == 0) {
    std::size_t target = std::max<std::size_t>(2 * count, 1);
    if (options_.max_threads != 0) {
      target = std::min(target, options_.max_threads);
    }
    std::size_t added = 0;
    while (count + added < target && AddThread()) ++added;
    if (added == 0) RejectWaiting(now);
  }
  return now + kStallTime;
}

void WorkerPool::RejectWaiting(Clock::time_point now) {
  if (!options_.rejects || now - stalled_since_ < kMaxWait) return;
  Queue rejected;
  std::unique_lock lock(mutex_);
  while (!waiting_.empty() && now - waiting_.front().queued_ >= kMaxWait) {
    Job& job = waiting_.front();
    waiting_.pop_front();
    job.rejected_ = true;
    rejected.push_back(job);
  }
  lock.unlock();
  ResumeAll(rejected);
}

bool WorkerPool::AddThread() {
  std::list<std::thread> added(1);
  try {
    const std::lock_guard lock(mutex_);
    added.front() = StartThreadWithSignalsBlocked(
        "je_exporter_web", [this, self = added.begin()] { RunThread(self); });
    threads_.splice(threads_.end(), added);
    return true;
  } catch (const std::exception& error) {
    const Clock::time_point now = Clock::now();
    if (now >= next_error_) {
      next_error_ = now + kErrorInterval;
      options_.on_error(std::string("cannot create a thread: ") + error.what());
    }
    return false;
  }
}

void WorkerPool::RunThread(std::list<std::thread>::iterator self) {
  std::unique_lock lock(mutex_);
  const auto has_duty = [this] { return stopping_ || !waiting_.empty(); };
  while (changed_.wait_for(lock, options_.idle_timeout, has_duty) &&
         !waiting_.empty()) {
    Job& job = waiting_.front();
    waiting_.pop_front();
    notified_ = false;
    ++running_;
    lock.unlock();
    try {
      job.work_();
    } catch (const std::exception&) {
      job.failed_ = true;
    }
    lock.lock();
    --running_;
    ++jobs_done_;
    finished_.push_back(job);
    // While jobs are waiting, the event loop wakes by itself: see BeforeWait.
    if (!waiting_.empty()) continue;
    lock.unlock();
    options_.wake();
    lock.lock();
  }
  std::thread before = std::exchange(exited_, std::move(*self));
  threads_.erase(self);
  if (stopping_) changed_.notify_all();
  lock.unlock();
  if (before.joinable()) before.join();
}

}  // namespace jemalloc_exporter
