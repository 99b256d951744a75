// The test program that heap_listener_*_test.py runs: one test for each effect
// on the heap, each result, and each way to end.

#include <gtest/gtest.h>
#include <jemalloc_exporter/heap_expectation.h>
#include <jemalloc_exporter/heap_listener.h>
#include <jemalloc_exporter/pushgateway.h>
#include <jemalloc_exporter/server.h>
#include <prometheus/exposer.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <iostream>
#include <iterator>
#include <memory>
#include <string>
#include <thread>
#include <vector>

// Another jemalloc than that of FindMallctl().
#ifdef FIXTURE_MALLCTL
extern "C" jemalloc_exporter::Mallctl FIXTURE_MALLCTL;
#else
#define FIXTURE_MALLCTL jemalloc_exporter::FindMallctl()
#endif

namespace {

// Volatile, so that the optimizer keeps the allocation.
void* volatile kept;

// A size class: exactly these bytes are allocated.
constexpr std::size_t kSize = 1 << 20;

// Prints how many threads exist while static objects are destroyed.
struct ThreadCounter {
  ~ThreadCounter() {
    if (std::getenv("FIXTURE_COUNTS_THREADS") == nullptr) return;
    const std::filesystem::directory_iterator threads("/proc/self/task");
    std::cout << "threads " << std::distance(begin(threads), end(threads))
              << std::endl;
  }
};
const ThreadCounter thread_counter;

void Churn() {
  for (int i = 0; i < 100; ++i) {
    void* volatile block = std::malloc(kSize);
    std::free(block);
  }
}

TEST(Heap, Idle) {}

TEST(Heap, Leaks) { kept = std::malloc(kSize); }

TEST(Heap, Churns) { Churn(); }

TEST(Heap, ChurnsInThreads) {
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) threads.emplace_back(Churn);
  for (std::thread& thread : threads) thread.join();
}

TEST(Outcome, Skips) { GTEST_SKIP() << "as a test may"; }

TEST(Outcome, Fails) { FAIL() << "as a test may"; }

TEST(Outcome, DISABLED_NeverRuns) { FAIL(); }

TEST(FastDeathTest, Dies) {
  GTEST_FLAG_SET(death_test_style, "fast");
  EXPECT_DEATH(
      {
        kept = std::malloc(kSize);
        std::abort();
      },
      "");
  EXPECT_EXIT(std::exit(3), testing::ExitedWithCode(3), "");
}

TEST(ThreadsafeDeathTest, Dies) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_DEATH(
      {
        kept = std::malloc(kSize);
        std::abort();
      },
      "");
  EXPECT_EXIT(std::exit(3), testing::ExitedWithCode(3), "");
}

class Numbers : public testing::TestWithParam<int> {};
TEST_P(Numbers, AreTests) {}
INSTANTIATE_TEST_SUITE_P(Few, Numbers, testing::Range(0, 2));

TEST(Expectation, HoldsForWhatIsFreed) {
  EXPECT_HEAP_STABLE(0) { Churn(); }
}

TEST(Expectation, ToleratesWhatIsGranted) {
  EXPECT_HEAP_STABLE(kSize) { kept = std::malloc(kSize); }
  EXPECT_HEAP_STABLE(kSize) { std::free(kept); }
}

TEST(Expectation, IsNotForABlockThatIsLeft) {
  const auto leave = [] {
    EXPECT_HEAP_STABLE(0) {
      kept = std::malloc(kSize);
      return;
    }
  };
  leave();
  std::free(kept);
}

// The following tests run only when a filter names them.

TEST(Expectation, DISABLED_FailsForALeak) {
  EXPECT_HEAP_STABLE(kSize - 1) { kept = std::malloc(kSize); }
}

TEST(Expectation, DISABLED_FailsForTheOpposite) {
  kept = std::malloc(kSize);
  EXPECT_HEAP_STABLE(kSize - 1) { std::free(kept); }
}

TEST(Special, DISABLED_IsKilled) { std::raise(SIGKILL); }

// The child goes on to the end of the program, as if it were the parent.
TEST(Special, DISABLED_ForksAndGoesOn) {
  const pid_t child = fork();
  ASSERT_GE(child, 0);
  if (child != 0) waitpid(child, nullptr, 0);
}

TEST(Special, DISABLED_WaitsForStdin) { std::cin.get(); }

class Idle : public testing::Test {
  void TestBody() override {}
};

void RegisterTest(const char* suite, const std::string& name) {
  testing::RegisterTest(suite, name.c_str(), nullptr, nullptr, __FILE__,
                        __LINE__, [] { return new Idle; });
}

}  // namespace

int main(int argc, char** argv) {
  if (const char* const count = std::getenv("FIXTURE_TESTS")) {
    for (int i = 0; i < std::atoi(count); ++i) {
      RegisterTest("Many", std::to_string(i));
    }
    RegisterTest("Odd", "\"quoted\" back\\slash \xff\xc3\xa9 a.b");
  }
  testing::InitGoogleTest(&argc, argv);
  const auto listener =
      jemalloc_exporter::HeapListener::Install(FIXTURE_MALLCTL);
  jemalloc_exporter::InstallPushgatewayListener(listener);

  std::unique_ptr<prometheus::Exposer> exposer;
  std::unique_ptr<jemalloc_exporter::Server> server;
  const char* const way = std::getenv("FIXTURE_SERVES");
  if (way != nullptr && std::string(way) == "by Exposer") {
    exposer = std::make_unique<prometheus::Exposer>("127.0.0.1:0");
    exposer->RegisterCollectable(listener);
    std::cout << "port " << exposer->GetListeningPorts().front() << std::endl;
  } else if (way != nullptr) {
    server = std::make_unique<jemalloc_exporter::Server>("127.0.0.1:0");
    server->RegisterCollectable(listener);
    std::cout << "port " << server->GetListeningPorts().front() << std::endl;
  }
  return RUN_ALL_TESTS();
}
