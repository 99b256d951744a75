#include "exporter/http/worker_pool.h"

#include <dlfcn.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <pthread.h>
#include <sched.h>
#include <sys/syscall.h>

#include <atomic>
#include <cerrno>
#include <chrono>
#include <cstddef>
#include <filesystem>
#include <functional>
#include <iterator>
#include <latch>
#include <optional>
#include <semaphore>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "exporter/http/task.h"
#include "tests/support/subprocess.h"

namespace {

// Of this thread.
thread_local int signalled_conditions = 0;

}  // namespace

// What std::condition_variable::notify_one calls, in place of libc's.
// NOLINTNEXTLINE(readability-inconsistent-declaration-parameter-name)
extern "C" int pthread_cond_signal(pthread_cond_t* condition) noexcept {
  static const auto signal = reinterpret_cast<decltype(&pthread_cond_signal)>(
      dlsym(RTLD_NEXT, "pthread_cond_signal"));
  ++signalled_conditions;
  return signal(condition);
}

namespace jemalloc_exporter {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;
using testing::ElementsAre;

// An event loop with a pool and nothing else.
class WorkerPoolTest : public testing::Test {
 protected:
  explicit WorkerPoolTest(std::size_t max_threads = 40, bool rejects = true,
                          milliseconds idle_timeout = milliseconds(20)) {
    pool_.emplace(WorkerPool::Options{
        .max_threads = max_threads,
        .rejects = rejects,
        .wake = [this] { wakes_.release(); },
        .on_error = [this](const auto& line) { errors.push_back(line); },
        .idle_timeout = idle_timeout});
  }

  void Start(std::function<void()> work) {
    Run(std::move(work));
    BeforeWait();
  }

  void BeforeWait() { pool_->BeforeWait(); }

  // Waits until `count` jobs have finished or were rejected.
  void Await(std::size_t count) {
    while (ended + rejected < count) {
      BeforeWait();
      wakes_.try_acquire_for(milliseconds(1));
      pool_->ResumeFinished();
    }
  }

  std::size_t ended = 0;
  std::size_t rejected = 0;
  std::vector<std::string> errors;

  void Destroy() { pool_.reset(); }

 private:
  DetachedTask Run(std::function<void()> work) {
    WorkerPool::Job job(*pool_, std::move(work));
    const bool ran = co_await job;
    ++(ran ? ended : rejected);
  }

  std::counting_semaphore<> wakes_{0};
  std::optional<WorkerPool> pool_;
};

std::size_t Threads() {
  const std::filesystem::directory_iterator tasks("/proc/self/task");
  return static_cast<std::size_t>(std::distance(begin(tasks), end(tasks)));
}

TEST_F(WorkerPoolTest, RunsEachJob) {
  std::atomic<std::size_t> done{0};
  for (int i = 0; i < 1000; ++i) Start([&] { ++done; });
  Await(1000);
  EXPECT_EQ(done, 1000U);
  EXPECT_EQ(rejected, 0U);
}

TEST_F(WorkerPoolTest, RunsBlockingJobsAtOnce) {
  constexpr int kJobs = 40;
  std::latch started(kJobs);
  for (int i = 0; i < kJobs; ++i) Start([&] { started.arrive_and_wait(); });
  Await(kJobs);
  EXPECT_EQ(ended, 40U);
}

TEST_F(WorkerPoolTest, RejectsJobsWhileAllThreadsAreBlocked) {
  std::latch release(1);
  for (int i = 0; i < 50; ++i) Start([&] { release.wait(); });
  Await(10);
  EXPECT_EQ(rejected, 10U);
  release.count_down();
  Await(50);
  EXPECT_EQ(ended, 40U);
}

class SingleWorkerTest : public WorkerPoolTest {
 protected:
  SingleWorkerTest() : WorkerPoolTest(1, false) {}
};

TEST_F(SingleWorkerTest, RunsOneJobAtATime) {
  int running = 0;  // Not atomic: ThreadSanitizer checks it.
  for (int i = 0; i < 100; ++i) {
    const auto work = [&] {
      EXPECT_EQ(running++, 0);
      --running;
    };
    Start(work);
  }
  Await(100);
  EXPECT_EQ(ended, 100U);
}

TEST_F(SingleWorkerTest, QueuesJobsThatMayNotBeRejected) {
  for (int i = 0; i < 3; ++i) {
    Start([] { std::this_thread::sleep_for(milliseconds(60)); });
  }
  Await(3);
  EXPECT_EQ(ended, 3U);
}

TEST_F(WorkerPoolTest, RetiresIdleThreads) {
  Start([] {});
  Await(1);  // ThreadSanitizer has a thread of its own by now.
  while (Threads() > 2) std::this_thread::yield();
  const std::size_t before = Threads();
  constexpr int kJobs = 20;
  for (std::size_t round = 1; round <= 3; ++round) {
    std::latch started(kJobs);
    for (int i = 0; i < kJobs; ++i) Start([&] { started.arrive_and_wait(); });
    Await(1 + round * kJobs);
    while (Threads() > before) std::this_thread::yield();
  }
}

class IdleWorkersTest : public WorkerPoolTest {
 protected:
  IdleWorkersTest() : WorkerPoolTest(kWorkers, true, seconds(60)) {}

  void StartWorkers() {
    std::latch started(kWorkers);
    for (int i = 0; i < kWorkers; ++i) {
      Start([&] { started.arrive_and_wait(); });
    }
    Await(kWorkers);
  }

  static constexpr int kWorkers = 3;
};

// Not only at the next check, once the queue has made no progress.
TEST_F(IdleWorkersTest, BeginAJobAtOnce) {
  StartWorkers();
  for (std::size_t job = 1; job <= 100; ++job) {
    std::binary_semaphore begun(0);
    Start([&] { begun.release(); });
    ASSERT_TRUE(begun.try_acquire_for(seconds(10)));
    Await(kWorkers + job);
  }
}

// On one processor, threads with SCHED_BATCH do not preempt the event loop: it
// turns several times before a thread begins the job.
TEST_F(IdleWorkersTest, AreWokenOnceForAJob) {
  RunInSubprocess([this] {
    cpu_set_t one;
    CPU_ZERO(&one);
    CPU_SET(static_cast<std::size_t>(sched_getcpu()), &one);
    ASSERT_EQ(sched_setaffinity(0, sizeof(one), &one), 0);
    const sched_param parameters = {};
    ASSERT_EQ(sched_setscheduler(0, SCHED_BATCH, &parameters), 0);
    StartWorkers();
    ASSERT_EQ(sched_setscheduler(0, SCHED_OTHER, &parameters), 0);
    for (std::size_t job = 1; job <= 100; ++job) {
      signalled_conditions = 0;
      Start([] {});
      for (int turn = 0; turn < 10; ++turn) BeforeWait();
      EXPECT_LE(signalled_conditions, 1);
      Await(kWorkers + job);
    }
    Destroy();
  });
}

TEST_F(WorkerPoolTest, RunsJobsOnTheThreadsThatCanBeCreated) {
  RunInSubprocess([this] {
    std::latch started(1);
    std::latch release(1);
    Start([&] {
      started.count_down();
      release.wait();
    });
    started.wait();
    FailSystemCall(SYS_clone3, EAGAIN);
    Start([] {});
    Await(1);
    EXPECT_EQ(rejected, 1U);
    release.count_down();
    Await(2);
    Destroy();
    EXPECT_THAT(
        errors,
        ElementsAre(
            "cannot create a thread: Resource temporarily unavailable"));
  });
}

}  // namespace
}  // namespace jemalloc_exporter
