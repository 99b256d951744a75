#include "jemalloc_exporter/heap_listener.h"

#include <gtest/gtest.h>
#include <prometheus/text_serializer.h>

#include <atomic>
#include <string>
#include <thread>

#include "tests/support/fake_jemalloc.h"
#include "tests/support/golden.h"

// The output of a whole program is tested in heap_listener_*_test.py.

namespace jemalloc_exporter {
namespace {

const testing::UnitTest& Program() { return *testing::UnitTest::GetInstance(); }

// This very test, as one that the listener sees.
const testing::TestInfo& ThisTest() { return *Program().current_test_info(); }

std::string Page(const HeapListener& listener) {
  return prometheus::TextSerializer().Serialize(listener.Collect());
}

TEST(HeapListener, ShowsTheHeapAndTheTestThatRuns) {
  const FakeJemalloc fake;
  HeapListener listener(FakeMallctl);
  listener.OnTestProgramStart(Program());
  listener.OnTestStart(ThisTest());
  ExpectGolden(Page(listener), "listener_running.txt");
}

TEST(HeapListener, ShowsNoHeapWithoutJemalloc) {
  HeapListener listener(nullptr);
  listener.OnTestProgramStart(Program());
  listener.OnTestStart(ThisTest());
  ExpectGolden(Page(listener), "listener_without_jemalloc.txt");
}

TEST(HeapListener, KeepsTheTestThatEnded) {
  FakeJemalloc fake;
  HeapListener listener(FakeMallctl);
  listener.OnTestProgramStart(Program());
  listener.OnTestStart(ThisTest());
  fake.values["stats.allocated"] += 4096;
  listener.OnTestEnd(ThisTest());
  const HeapReport report = listener.report();
  EXPECT_EQ(report.run.result, "running");
  ASSERT_EQ(report.entries.size(), 1U);
  EXPECT_EQ(report.entries[0].name, "HeapListener.KeepsTheTestThatEnded");
  EXPECT_EQ(report.entries[0].result, "passed");
  EXPECT_EQ(report.entries[0].heap_growth_bytes, 4096);
  EXPECT_EQ(report.entries[0].before, HeapState::test_fixture());
}

TEST(HeapListener, IsCollectedWhileTestsRun) {
  HeapListener listener;
  listener.OnTestProgramStart(Program());
  std::atomic<bool> done = false;
  std::thread scraper([&] {
    while (!done) EXPECT_FALSE(listener.Collect().empty());
  });
  for (int i = 0; i < 1000; ++i) {
    listener.OnTestStart(ThisTest());
    listener.OnTestEnd(ThisTest());
  }
  done = true;
  scraper.join();
}

TEST(HeapListener, IsOwnedByGoogleTest) {
  const std::weak_ptr<HeapListener> listener = HeapListener::Install();
  EXPECT_FALSE(listener.expired());
}

}  // namespace
}  // namespace jemalloc_exporter
