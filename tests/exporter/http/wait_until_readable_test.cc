#include "exporter/http/wait_until_readable.h"

#include <gtest/gtest.h>
#include <sys/time.h>
#include <unistd.h>

#include <csignal>

#include "exporter/http/file_descriptor.h"

namespace jemalloc_exporter {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

struct Pipe {
  Pipe() {
    int ends[2] = {-1, -1};
    EXPECT_EQ(pipe(ends), 0);
    reader = FileDescriptor(ends[0]);
    writer = FileDescriptor(ends[1]);
  }

  FileDescriptor reader;
  FileDescriptor writer;
};

TEST(WaitUntilReadable, ReturnsTrueForDataWithAnyDeadline) {
  const Pipe pipe;
  ASSERT_EQ(write(pipe.writer.get(), "x", 1), 1);
  for (const auto deadline : {steady_clock::time_point(), steady_clock::now(),
                              steady_clock::time_point::max()}) {
    EXPECT_TRUE(WaitUntilReadable(pipe.reader.get(), deadline));
  }
}

TEST(WaitUntilReadable, ReturnsTrueAtTheEndOfTheStream) {
  Pipe pipe;
  pipe.writer = FileDescriptor();
  EXPECT_TRUE(
      WaitUntilReadable(pipe.reader.get(), steady_clock::time_point::max()));
}

TEST(WaitUntilReadable, ReturnsFalseAtTheDeadline) {
  const Pipe pipe;
  const auto deadline = steady_clock::now() + milliseconds(30);
  EXPECT_FALSE(WaitUntilReadable(pipe.reader.get(), deadline));
  EXPECT_EQ(errno, EAGAIN);
  EXPECT_GE(steady_clock::now(), deadline);
}

TEST(WaitUntilReadable, ContinuesAfterSignals) {
  static volatile sig_atomic_t signals;
  signals = 0;
  struct sigaction counting = {};
  struct sigaction before = {};
  counting.sa_handler = [](int) { signals = signals + 1; };
  ASSERT_EQ(sigaction(SIGALRM, &counting, &before), 0);
  const itimerval every_millisecond = {{0, 1000}, {0, 1000}};
  ASSERT_EQ(setitimer(ITIMER_REAL, &every_millisecond, nullptr), 0);
  const Pipe pipe;
  const auto deadline = steady_clock::now() + milliseconds(50);
  EXPECT_FALSE(WaitUntilReadable(pipe.reader.get(), deadline));
  EXPECT_EQ(errno, EAGAIN);
  EXPECT_GE(steady_clock::now(), deadline);
  EXPECT_GT(signals, 0);
  const itimerval never = {};
  setitimer(ITIMER_REAL, &never, nullptr);
  sigaction(SIGALRM, &before, nullptr);
}

}  // namespace
}  // namespace jemalloc_exporter
