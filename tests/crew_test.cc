#include "web/crew.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
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
#include <system_error>
#include <thread>
#include <vector>

#include "tests/support/other_process.h"

namespace jemalloc_exporter {
namespace {

using testing::ElementsAre;

using Works = std::vector<std::function<void()>>;

// Has a crew do `works`, which it gets in round 0 of the watch, and returns
// when all are finished: the problems. `on_watch` is called in each round.
std::vector<std::string> HaveDone(
    const Works& works,
    const std::function<void(int round)>& on_watch = [](int) {}) {
  std::vector<std::string> problems;
  std::counting_semaphore<> wakes(0);
  std::size_t finished = 0;
  int round = 0;
  std::optional<Crew> crew;
  const auto watch = [&] {
    on_watch(round);
    if (round++ == 0) {
      for (const auto& work : works) {
        crew->Add({.work = work, .finish = [&] { ++finished; }});
      }
    } else if (!crew->FinishJobs()) {
      wakes.acquire();
    }
    return finished < works.size();
  };
  crew.emplace(Crew::Duties{
      .watch = watch,
      .wake = [&] { wakes.release(); },
      .on_problem =
          [&](const std::string& line) { problems.push_back(line); }});
  crew->Begin();
  crew.reset();
  return problems;
}

TEST(Crew, DoesEveryJob) {
  std::atomic<int> done{0};
  HaveDone(Works(100, [&] { ++done; }));
  EXPECT_EQ(done, 100);
}

TEST(Crew, DoesSlowJobsAtTheSameTime) {
  constexpr int kJobs = 20;
  std::latch all_here(kJobs);
  HaveDone(Works(kJobs, [&] { all_here.arrive_and_wait(); }));
}

std::size_t Threads() {
  const std::filesystem::directory_iterator tasks("/proc/self/task");
  return static_cast<std::size_t>(std::distance(begin(tasks), end(tasks)));
}

// Of slow jobs a crew does several at once, again and again: as many threads as
// that takes are there each time, and no longer.
TEST(Crew, LetsThreadsGoThatHaveNothingToDo) {
  constexpr int kJobs = 20;
  constexpr int kTimes = 3;
  std::size_t at_rest = 0;  // With the one on watch and its supervisor.
  std::latch all_here[kTimes] = {std::latch(kJobs), std::latch(kJobs),
                                 std::latch(kJobs)};
  std::counting_semaphore<> wakes(0);
  std::optional<Crew> crew;
  int times = 0;
  int finished = kJobs;
  const auto watch = [&] {
    crew->FinishJobs();
    if (finished < kJobs) {
      wakes.try_acquire_for(std::chrono::milliseconds(10));
      return true;
    }
    if (at_rest == 0) at_rest = Threads();
    while (Threads() > at_rest) std::this_thread::yield();
    if (times == kTimes) return false;
    finished = 0;
    for (int i = 0; i < kJobs; ++i) {
      crew->Add({.work = [&, now = times] { all_here[now].arrive_and_wait(); },
                 .finish = [&] { ++finished; }});
    }
    ++times;
    return true;
  };
  crew.emplace(Crew::Duties{.watch = watch,
                            .wake = [&] { wakes.release(); },
                            .on_problem = [](const std::string&) {},
                            .leisure = std::chrono::milliseconds(20)});
  crew->Begin();
  crew.reset();
  EXPECT_EQ(times, kTimes);
}

TEST(Crew, KeepsTheWatchDuringASlowJob) {
  std::latch watched(1);
  HaveDone({[&] { watched.wait(); }}, [&](int round) {
    if (round == 1) watched.count_down();
  });
}

TEST(Crew, KeepsTheWatchDuringOneSlowJobWhereThereAreNoMoreThreads) {
  InOtherProcess([] {
    std::latch watched(1);
    EXPECT_THAT(
        HaveDone({[&] { watched.wait(); }},
                 [&](int round) {
                   if (round == 0) FailSystemCall(SYS_clone3, EAGAIN);
                   if (round == 1) watched.count_down();
                 }),
        ElementsAre("cannot start a thread: Resource temporarily unavailable"));
  });
}

TEST(Crew, DoesNotBeginWithoutThreads) {
  InOtherProcess([] {
    Crew crew({.watch = [] { return false; },
               .wake = [] {},
               .on_problem = [](const std::string&) {}});
    FailSystemCall(SYS_clone3, EAGAIN);
    EXPECT_THROW(crew.Begin(), std::system_error);
  });
}

TEST(Crew, NeedsNoEndWithoutABeginning) {
  const Crew crew({.watch = [] { return true; },
                   .wake = [] {},
                   .on_problem = [](const std::string&) {}});
}

}  // namespace
}  // namespace jemalloc_exporter
