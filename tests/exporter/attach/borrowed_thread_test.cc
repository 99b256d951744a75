#include "exporter/attach/borrowed_thread.h"

#include <gtest/gtest.h>
#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cstdint>

#include "exporter/attach/thread_list.h"
#include "exporter/attach/waiting_thread.h"
#include "tests/support/fake_agent.h"
#include "tests/support/wait_for.h"

namespace jemalloc_exporter {
namespace {

// It was in another call when the threads that wait were listed.
TEST(BorrowedThread, WaitsForNoLock) {
  const FakeAgent process([](const FakeAgent& self) {
    self.Ready();
    std::uint32_t word = 0;
    syscall(SYS_futex, &word, FUTEX_WAIT_PRIVATE, 0, nullptr, nullptr, 0);
  });
  const pid_t pid = process.pid();
  ASSERT_GT(pid, 0);
  ASSERT_TRUE(WaitFor([&] {
    const auto call = ParseWaitingCall(ReadThreadFile(pid, pid, "syscall"));
    return call && call->number == SYS_futex;
  }));
  const TargetProcess target = ExamineProcess(pid);
  const RemoteCode code = {};
  BorrowedThread thread(target, code, pid);
  EXPECT_EQ(thread.status(), BorrowedThread::Status::kNotWaiting);
}

}  // namespace
}  // namespace jemalloc_exporter
