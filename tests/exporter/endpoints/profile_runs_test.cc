#include "exporter/endpoints/profile_runs.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>

#include <atomic>
#include <chrono>
#include <future>
#include <stdexcept>

#include "exporter/http/file_descriptor.h"
#include "tests/support/wait_for.h"

namespace jemalloc_exporter {
namespace {

using namespace std::chrono_literals;
using testing::Contains;
using testing::Pair;

ProfileRuns::Command Command(pid_t pid, const std::string& argument = "a",
                             std::chrono::seconds time = 20s) {
  return {
      .pid = pid, .arguments = {std::to_string(pid), argument}, .time = time};
}

Response Page(const std::string& text) { return {.body = text}; }

// A client, and the request that it sent.
struct Client {
  Client() {
    int ends[2];
    socketpair(AF_UNIX, SOCK_STREAM, 0, ends);
    near = FileDescriptor(ends[0]);
    far = FileDescriptor(ends[1]);
    request.socket = near.get();
  }

  FileDescriptor near;
  FileDescriptor far;
  Request request;
};

// A run that takes until it is released.
class SlowRun {
 public:
  SlowRun(ProfileRuns& runs, const ProfileRuns::Command& command,
          const Request& request = {})
      : response_(std::async(std::launch::async, [&runs, command, request,
                                                  this] {
          return runs.Get(request, command, [this](const auto& is_abandoned) {
            started_.set_value();
            WaitFor([&] { return is_released_ || is_abandoned(); });
            return Page("slow");
          });
        })) {
    started_.get_future().wait();
  }
  ~SlowRun() { is_released_ = true; }
  SlowRun(const SlowRun&) = delete;
  SlowRun& operator=(const SlowRun&) = delete;

  void Release() { is_released_ = true; }
  Response response() { return response_.get(); }

 private:
  std::promise<void> started_;
  std::atomic<bool> is_released_{false};
  std::future<Response> response_;
};

Response Get(ProfileRuns& runs, const ProfileRuns::Command& command) {
  return runs.Get({}, command, [](const auto&) { return Page("quick"); });
}

TEST(ProfileRuns, ReadsOneProcessOnceAtATime) {
  ProfileRuns runs;
  SlowRun slow(runs, Command(1));
  const Response busy = Get(runs, Command(1, "b"));
  EXPECT_EQ(busy.status, 503);
  EXPECT_EQ(busy.body, "another profile of process 1 is being read\n");
  EXPECT_THAT(busy.headers, Contains(Pair("Retry-After", "20")));
  EXPECT_EQ(Get(runs, Command(2)).body, "quick");
  slow.Release();
  EXPECT_EQ(slow.response().body, "slow");
  EXPECT_EQ(Get(runs, Command(1, "b")).body, "quick");
}

TEST(ProfileRuns, LimitsTheirNumber) {
  ProfileRuns runs;
  const SlowRun first(runs, Command(1, "a", 300s));
  const SlowRun second(runs, Command(2));
  const Response busy = Get(runs, Command(3));
  EXPECT_EQ(busy.status, 503);
  EXPECT_EQ(busy.body, "2 profiles are being read, try again later\n");
  EXPECT_THAT(busy.headers, Contains(Pair("Retry-After", "20")));
}

TEST(ProfileRuns, SharesTheResponseOfEqualCommands) {
  ProfileRuns runs;
  SlowRun slow(runs, Command(1));
  auto shared =
      std::async(std::launch::async, [&] { return Get(runs, Command(1)); });
  EXPECT_TRUE(WaitFor([&] { return runs.waiting() == 2; }));
  slow.Release();
  EXPECT_EQ(shared.get().body, "slow");
}

TEST(ProfileRuns, IsAbandonedWhenEveryClientHasDisconnected) {
  ProfileRuns runs;
  Client first;
  Client second;
  SlowRun slow(runs, Command(1), first.request);
  auto shared = std::async(std::launch::async, [&] {
    return runs.Get(second.request, Command(1),
                    [](const auto&) { return Page("quick"); });
  });
  EXPECT_TRUE(WaitFor([&] { return runs.waiting() == 2; }));
  first.far = FileDescriptor();
  EXPECT_EQ(shared.wait_for(std::chrono::milliseconds(200)),
            std::future_status::timeout);
  second.far = FileDescriptor();
  EXPECT_EQ(shared.get().body, "slow");
  EXPECT_EQ(slow.response().body, "slow");
}

TEST(ProfileRuns, SharesNoRunThatIsAbandoned) {
  ProfileRuns runs;
  Client client;
  std::promise<void> abandoned;
  std::promise<void> released;
  auto gone = std::async(std::launch::async, [&] {
    return runs.Get(client.request, Command(1), [&](const auto& is_abandoned) {
      WaitFor(is_abandoned);
      abandoned.set_value();
      released.get_future().wait();
      return Page("slow");
    });
  });
  client.far = FileDescriptor();
  abandoned.get_future().wait();
  auto later =
      std::async(std::launch::async, [&] { return Get(runs, Command(1)); });
  EXPECT_EQ(later.wait_for(std::chrono::seconds(20)),
            std::future_status::ready);
  released.set_value();
  EXPECT_EQ(later.get().status, 503);
  EXPECT_EQ(gone.get().body, "slow");
}

TEST(ProfileRuns, IsAbandonedAtTheEndOfTheExporter) {
  ProfileRuns runs;
  SlowRun slow(runs, Command(1));
  runs.End();
  EXPECT_EQ(slow.response().body, "slow");
  const Response late = Get(runs, Command(2));
  EXPECT_EQ(late.status, 503);
  EXPECT_EQ(late.body, "the exporter is ending\n");
}

TEST(ProfileRuns, EndsWithTheExceptionOfItsRun) {
  ProfileRuns runs;
  const auto fail = [](const auto&) -> Response {
    throw std::runtime_error("no");
  };
  EXPECT_THROW(runs.Get({}, Command(1), fail), std::runtime_error);
  EXPECT_EQ(Get(runs, Command(1)).body, "quick");
}

}  // namespace
}  // namespace jemalloc_exporter
