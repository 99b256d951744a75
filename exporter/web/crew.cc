#include "web/crew.h"

#include <sys/timerfd.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdint>
#include <exception>
#include <limits>
#include <system_error>
#include <utility>

#include "web/quiet_thread.h"

namespace jemalloc_exporter {
namespace {

// Work that takes longer is slow.
constexpr std::chrono::milliseconds kPatience{1};

}  // namespace

Crew::Crew(Duties duties)
    : duties_(std::move(duties)),
      timer_(timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC)) {
  if (!timer_) throw std::system_error(errno, std::generic_category());
}

Crew::~Crew() {
  {
    Lock lock(mutex_);
    if (threads_.empty()) return;
    changed_.wait(lock, [this] { return ended_; });
  }
  threads_.splice(threads_.end(), left_);
  for (std::thread& thread : threads_) thread.join();
}

void Crew::Begin() {
  const Lock lock(mutex_);
  ended_ = true;  // What the first sees if there is no second.
  Hire(2);
  ended_ = false;
}

void Crew::Add(Job job) { added_.push_back(std::move(job)); }

bool Crew::FinishJobs() {
  std::list<Job> done;
  {
    const Lock lock(mutex_);
    done.swap(done_);
  }
  for (const Job& job : done) job.finish();
  return !done.empty();
}

void Crew::Live() {
  Lock lock(mutex_);
  for (;;) {
    const bool wanted = changed_.wait_for(lock, duties_.leisure, [this] {
      return ended_ || !watched_ || !supervised_ || !waiting_.empty();
    });
    if (!wanted) return Leave();
    if (ended_) return;
    --free_;
    if (!watched_) {
      watched_ = true;
      lock.unlock();
      StandWatch();
      lock.lock();
    } else if (!supervised_) {
      Supervise(lock);
    } else {
      DoNextJob(lock);
      duties_.wake();
    }
    ++free_;
  }
}

// Until relieved, or the end.
void Crew::StandWatch() {
  while (duties_.watch()) {
    if (!WorkOnWatch()) return;
  }
  const Lock lock(mutex_);
  ended_ = true;
  changed_.notify_all();
  SetTimer();  // For the supervisor to see it.
}

// Returns false when relieved.
bool Crew::WorkOnWatch() {
  if (added_.empty()) return true;
  Lock lock(mutex_);
  waiting_.splice(waiting_.end(), added_);
  working_since_ = Clock::now();
  SetTimer();
  while (working_since_ && !waiting_.empty()) DoNextJob(lock);
  if (!working_since_) {
    duties_.wake();
    return false;
  }
  working_since_.reset();
  return true;
}

void Crew::DoNextJob(Lock& lock) {
  std::list<Job> job;
  job.splice(job.begin(), waiting_, waiting_.begin());
  lock.unlock();
  job.front().work();
  lock.lock();
  done_.splice(done_.end(), job);
}

// Waits until the thread on watch has worked for too long, and relieves it.
void Crew::Supervise(Lock& lock) {
  supervised_ = true;
  for (;;) {
    lock.unlock();
    std::uint64_t expirations = 0;
    static_cast<void>(read(timer_.get(), &expirations, sizeof(expirations)));
    lock.lock();
    timer_set_ = false;
    if (ended_) return;
    if (!working_since_) continue;
    if (Clock::now() - *working_since_ >= kPatience) break;
    SetTimer();
  }
  supervised_ = false;
  watched_ = false;
  working_since_.reset();
  // This thread can take the watch; others are wanted for the jobs, and to
  // supervise.
  try {
    Hire(waiting_.size() + 1);
  } catch (const std::exception& error) {
    added_.splice(added_.end(), waiting_);
    lock.unlock();
    Report(error);
    lock.lock();
  }
  changed_.notify_all();
}

void Crew::Report(const std::exception& error) const try {
  duties_.on_problem(std::string("cannot start a thread: ") + error.what());
} catch (const std::exception&) {
  // No memory to say so.
}

// Sees to it that so many threads are free, as far as there may be as many.
void Crew::Hire(std::size_t wanted) {
  // Besides those who are slow: on watch, to supervise, and for quick jobs.
  const std::size_t most = duties_.max_slow == 0
                               ? std::numeric_limits<std::size_t>::max()
                               : duties_.max_slow + 3;
  for (std::thread& thread : left_) thread.join();
  left_.clear();
  while (free_ < wanted && threads_.size() < most) {
    threads_.emplace_back();
    try {
      threads_.back() = StartQuietThread("je_exporter_web", [this] { Live(); });
    } catch (...) {
      threads_.pop_back();
      throw;
    }
    ++free_;
  }
}

void Crew::Leave() {
  --free_;
  const auto self = std::find_if(
      threads_.begin(), threads_.end(), [](const std::thread& thread) {
        return thread.get_id() == std::this_thread::get_id();
      });
  left_.splice(left_.end(), threads_, self);
}

// It is left to run out, which costs less than to stop it after each job.
void Crew::SetTimer() {
  if (std::exchange(timer_set_, true)) return;
  const itimerspec patience{{0, 0},
                            {0, std::chrono::nanoseconds(kPatience).count()}};
  timerfd_settime(timer_.get(), 0, &patience, nullptr);
}

}  // namespace jemalloc_exporter
