#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <fstream>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "jemalloc_exporter/heap_reader.h"
#include "tests/support/fake_jemalloc.h"

namespace jemalloc_exporter {
namespace {

// A jemalloc whose refresh the test ends.
struct SlowJemalloc {
  std::atomic<int> refreshes{0};
  std::atomic<bool> may_end{false};

  void EndRefresh() {
    may_end = true;
    may_end.notify_all();
  }

  inline static SlowJemalloc* current = nullptr;
};

int SlowMallctl(const char* name, void* oldp, std::size_t* oldlenp, void* newp,
                std::size_t newlen) {
  if (newp != nullptr) {
    ++SlowJemalloc::current->refreshes;
    SlowJemalloc::current->may_end.wait(false);
  }
  static std::mutex mutex;  // The fake is not made for threads.
  const std::lock_guard lock(mutex);
  return FakeMallctl(name, oldp, oldlenp, newp, newlen);
}

// Returns when the thread, whose tid is set first, waits.
void AwaitSleep(const std::atomic<pid_t>& tid) {
  while (tid == 0) std::this_thread::yield();
  std::string pid;
  std::string comm;
  std::string state;
  while (state != "S") {
    std::ifstream("/proc/self/task/" + std::to_string(tid) + "/stat") >> pid >>
        comm >> state;
    std::this_thread::yield();
  }
}

class ReadHeapDuringARefresh : public testing::Test {
 protected:
  ReadHeapDuringARefresh() {
    SlowJemalloc::current = &slow_;
    std::atomic<pid_t> tid{0};
    leader_ = std::thread([&tid] {
      tid = gettid();
      ReadHeap(SlowMallctl);
    });
    AwaitSleep(tid);  // In the refresh: there is nothing else to wait for.
  }
  ~ReadHeapDuringARefresh() override {
    slow_.EndRefresh();
    leader_.join();
  }

  FakeJemalloc fake_;
  SlowJemalloc slow_;
  std::thread leader_;
};

TEST_F(ReadHeapDuringARefresh, SharesIt) {
  std::vector<HeapSnapshot> readings(8);
  std::vector<std::atomic<pid_t>> tids(readings.size());
  std::vector<std::thread> joiners;
  for (std::size_t i = 0; i < readings.size(); ++i) {
    joiners.emplace_back([&, i] {
      tids[i] = gettid();
      readings[i] = ReadHeap(SlowMallctl);
    });
  }
  for (const auto& tid : tids) AwaitSleep(tid);
  slow_.EndRefresh();
  for (std::thread& joiner : joiners) joiner.join();
  EXPECT_EQ(slow_.refreshes, 1);
  for (const HeapSnapshot& reading : readings) {
    EXPECT_EQ(reading.state, HeapState::test_fixture());
  }
}

TEST_F(ReadHeapDuringARefresh, DoesNotWaitForAnotherJemalloc) {
  const Mallctl* const without_statistics = [](const char*, void*, std::size_t*,
                                               void*,
                                               std::size_t) { return ENOENT; };
  EXPECT_EQ(ReadHeap(without_statistics).state, HeapState{});
}

TEST_F(ReadHeapDuringARefresh, DoesNotHangInAForkedChild) {
  slow_.may_end = true;  // Without waking the leader.
  const pid_t child = fork();
  if (child == 0) {
    alarm(10);
    _exit(ReadHeap(SlowMallctl).state == HeapState::test_fixture() ? 0 : 1);
  }
  int status = -1;
  ASSERT_EQ(waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
}

TEST(ReadHeap, RefreshesOnEachSequentialCall) {
  FakeJemalloc fake;
  ReadHeap(FakeMallctl);
  fake.values["stats.allocated"] = 1;
  EXPECT_EQ(ReadHeap(FakeMallctl).state.allocated_bytes, 1);
}

TEST(ReadHeap, IsEmptyInAProcessWithoutJemalloc) {
  EXPECT_EQ(FindMallctl(), nullptr);
  EXPECT_EQ(ReadHeap().state, HeapState{});
}

}  // namespace
}  // namespace jemalloc_exporter
