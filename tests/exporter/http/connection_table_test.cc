#include "exporter/http/connection_table.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/resource.h>
#include <sys/un.h>

#include <chrono>
#include <list>
#include <string>
#include <thread>

#include "exporter/http/file_descriptor.h"
#include "tests/support/subprocess.h"

namespace jemalloc_exporter {
namespace {

using std::chrono::milliseconds;

// An address as accept(2) returns it; of a Unix socket where `text` is empty.
class Address {
 public:
  explicit Address(const std::string& text) {
    auto* const ipv4 = reinterpret_cast<sockaddr_in*>(&storage_);
    auto* const ipv6 = reinterpret_cast<sockaddr_in6*>(&storage_);
    if (text.empty()) {
      storage_.ss_family = AF_UNIX;
    } else if (inet_pton(AF_INET, text.c_str(), &ipv4->sin_addr) == 1) {
      storage_.ss_family = AF_INET;
    } else if (inet_pton(AF_INET6, text.c_str(), &ipv6->sin6_addr) == 1) {
      storage_.ss_family = AF_INET6;
    } else {
      ADD_FAILURE() << text;
    }
  }
  const sockaddr* get() const {
    return reinterpret_cast<const sockaddr*>(&storage_);
  }

 private:
  sockaddr_storage storage_{};
};

class ConnectionTableTest : public testing::Test {
 protected:
  // Both ends of a connection.
  struct Pair {
    ConnectionTable::ConnectionState* state;
    FileDescriptor ours;
    FileDescriptor theirs;

    bool IsShutDown() const {
      pollfd end{theirs.get(), POLLRDHUP, 0};
      return poll(&end, 1, 0) == 1;
    }
  };

  Pair& Open(ConnectionTable& connections, const std::string& client) {
    int ends[2] = {-1, -1};
    EXPECT_EQ(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
    return opened_.emplace_back(
        Pair{&connections.Add(ends[0], Address(client).get()),
             FileDescriptor(ends[0]), FileDescriptor(ends[1])});
  }

  static bool EvictForNew(ConnectionTable& connections,
                          const std::string& client) {
    return connections.EvictForNew(Address(client).get());
  }

 private:
  std::list<Pair> opened_;
};

// Else a client could send one byte at a time for ever.
TEST_F(ConnectionTableTest, ARequestHasOneDeadline) {
  ConnectionTable connections({});
  ConnectionTable::ConnectionState& state = *Open(connections, "::1").state;
  connections.OnRequestStart(state);
  const auto deadline = state.deadline;
  connections.OnRequestStart(state);
  EXPECT_EQ(state.deadline, deadline);
  connections.OnIdle(state);
  connections.OnRequestStart(state);
  EXPECT_GT(state.deadline, deadline);
}

TEST_F(ConnectionTableTest, AcceptsUpToTotalLimit) {
  ConnectionTable connections({.total = 2});
  Open(connections, "192.0.2.1");
  const Pair& second = Open(connections, "192.0.2.2");
  EXPECT_TRUE(EvictForNew(connections, "192.0.2.3"));
  EXPECT_FALSE(second.IsShutDown());
}

TEST_F(ConnectionTableTest, EvictsEarliestDeadlineAtTotalLimit) {
  ConnectionTable connections({.total = 2});
  const Pair& first = Open(connections, "192.0.2.1");
  const Pair& second = Open(connections, "192.0.2.2");
  EXPECT_TRUE(EvictForNew(connections, "192.0.2.3"));
  EXPECT_TRUE(first.IsShutDown());
  EXPECT_FALSE(second.IsShutDown());
}

TEST_F(ConnectionTableTest, EvictsNeverServedBeforeServed) {
  ConnectionTable connections({.total = 2,
                               .read_timeout = milliseconds(600'000),
                               .idle_timeout = milliseconds(300'000)});
  const Pair& served = Open(connections, "192.0.2.1");
  const Pair& unserved = Open(connections, "192.0.2.2");
  connections.OnIdle(*served.state);
  EXPECT_TRUE(EvictForNew(connections, "192.0.2.3"));
  EXPECT_FALSE(served.IsShutDown());
  EXPECT_TRUE(unserved.IsShutDown());
}

TEST_F(ConnectionTableTest, EvictsEachConnectionOnce) {
  ConnectionTable connections({.total = 2});
  const Pair& first = Open(connections, "192.0.2.1");
  const Pair& second = Open(connections, "192.0.2.2");
  EXPECT_TRUE(EvictForNew(connections, "192.0.2.3"));
  EXPECT_TRUE(EvictForNew(connections, "192.0.2.3"));
  EXPECT_TRUE(first.IsShutDown());
  EXPECT_FALSE(second.IsShutDown());
}

TEST_F(ConnectionTableTest, NeverEvictsDispatched) {
  ConnectionTable connections({.total = 1});
  const Pair& only = Open(connections, "192.0.2.1");
  connections.OnDispatch(*only.state);
  EXPECT_FALSE(connections.HasCapacity());
  EXPECT_FALSE(EvictForNew(connections, "192.0.2.2"));
  EXPECT_FALSE(only.IsShutDown());
  connections.OnResponseStart(*only.state);
  EXPECT_TRUE(connections.HasCapacity());
  EXPECT_TRUE(EvictForNew(connections, "192.0.2.2"));
  EXPECT_TRUE(only.IsShutDown());
}

// Its request was received before it was evicted; a lack of memory ends it.
TEST_F(ConnectionTableTest, RemovalOfDispatchedAfterEvictionIsCounted) {
  ConnectionTable connections({.total = 1});
  const Pair& only = Open(connections, "192.0.2.1");
  EXPECT_TRUE(EvictForNew(connections, "192.0.2.2"));
  connections.OnDispatch(*only.state);
  connections.Remove(*only.state);
  EXPECT_FALSE(connections.has_dispatched());
  EXPECT_TRUE(connections.HasCapacity());
}

TEST_F(ConnectionTableTest, AcceptsAfterRemoval) {
  ConnectionTable connections({.total = 2, .per_client = 1});
  const Pair& gone = Open(connections, "192.0.2.1");
  const Pair& other = Open(connections, "192.0.2.2");
  connections.Remove(*gone.state);
  EXPECT_TRUE(EvictForNew(connections, "192.0.2.1"));
  EXPECT_FALSE(other.IsShutDown());
}

TEST_F(ConnectionTableTest, EvictsSameClientAtPerClientLimit) {
  ConnectionTable connections({.total = 100, .per_client = 2});
  const Pair& other = Open(connections, "192.0.2.1");
  const Pair& first = Open(connections, "192.0.2.2");
  const Pair& second = Open(connections, "192.0.2.2");
  EXPECT_TRUE(EvictForNew(connections, "192.0.2.2"));
  EXPECT_TRUE(first.IsShutDown());
  EXPECT_FALSE(second.IsShutDown());
  EXPECT_FALSE(other.IsShutDown());
}

TEST_F(ConnectionTableTest, RejectsClientWhoseConnectionsAreAllDispatched) {
  ConnectionTable connections({.total = 100, .per_client = 1});
  connections.OnDispatch(*Open(connections, "192.0.2.1").state);
  EXPECT_FALSE(EvictForNew(connections, "192.0.2.1"));
  EXPECT_TRUE(EvictForNew(connections, "192.0.2.2"));
}

TEST_F(ConnectionTableTest, IdentifiesClientByIpv4AddressOrIpv6Network) {
  const auto are_one = [this](const std::string& a, const std::string& b) {
    ConnectionTable connections({.total = 100, .per_client = 1});
    connections.OnDispatch(*Open(connections, a).state);
    return !EvictForNew(connections, b);
  };
  EXPECT_TRUE(are_one("192.0.2.1", "::ffff:192.0.2.1"));
  EXPECT_TRUE(are_one("2001:db8:1:2::1", "2001:db8:1:2:ffff::1"));
  EXPECT_FALSE(are_one("192.0.2.1", "192.0.2.2"));
  EXPECT_FALSE(are_one("::ffff:192.0.2.1", "::ffff:192.0.2.2"));
  EXPECT_FALSE(are_one("2001:db8:1:2::1", "2001:db8:1:3::1"));
  EXPECT_FALSE(are_one("", ""));
}

TEST_F(ConnectionTableTest, ClosesExpiredOnly) {
  ConnectionTable connections({.read_timeout = milliseconds(0),
                               .write_timeout = milliseconds(600'000),
                               .idle_timeout = milliseconds(600'000)});
  const Pair& late = Open(connections, "192.0.2.1");
  const Pair& working = Open(connections, "192.0.2.1");
  const Pair& leaving = Open(connections, "192.0.2.1");
  const Pair& waiting = Open(connections, "192.0.2.1");
  connections.OnDispatch(*working.state);
  connections.OnResponseStart(*leaving.state);
  connections.OnIdle(*waiting.state);
  connections.CloseExpired();
  EXPECT_TRUE(late.IsShutDown());
  EXPECT_FALSE(working.IsShutDown());
  EXPECT_FALSE(leaving.IsShutDown());
  EXPECT_FALSE(waiting.IsShutDown());
}

TEST_F(ConnectionTableTest, ReadTimeoutStartsAtFirstPart) {
  ConnectionTable connections({.read_timeout = milliseconds(0),
                               .write_timeout = milliseconds(600'000),
                               .idle_timeout = milliseconds(600'000)});
  const Pair& idle = Open(connections, "192.0.2.1");
  const Pair& beginning = Open(connections, "192.0.2.1");
  connections.OnIdle(*idle.state);
  connections.OnIdle(*beginning.state);
  connections.OnRequestStart(*beginning.state);
  connections.CloseExpired();
  EXPECT_FALSE(idle.IsShutDown());
  EXPECT_TRUE(beginning.IsShutDown());
}

TEST_F(ConnectionTableTest, ReadTimeoutIsNotExtendedByFurtherParts) {
  ConnectionTable connections({.read_timeout = milliseconds(50)});
  const Pair& dripping = Open(connections, "192.0.2.1");
  const auto opened = ConnectionTable::Clock::now();
  while (!dripping.IsShutDown()) {
    connections.OnRequestStart(*dripping.state);
    connections.CloseExpired();
    ASSERT_LT(ConnectionTable::Clock::now() - opened, std::chrono::seconds(30));
  }
}

TEST_F(ConnectionTableTest, ReturnsNextDeadline) {
  using Clock = ConnectionTable::Clock;
  ConnectionTable connections({.read_timeout = milliseconds(600'000)});
  EXPECT_EQ(connections.CloseExpired(), Clock::time_point::max());
  const auto opened = Clock::now();
  Open(connections, "192.0.2.1");
  EXPECT_GE(connections.CloseExpired(), opened + milliseconds(600'000));
  EXPECT_LT(connections.CloseExpired(), opened + milliseconds(700'000));
}

TEST_F(ConnectionTableTest, TotalIsAtMostHalfOfTheDescriptorLimit) {
  RunInSubprocess([] {
    const rlimit descriptors{40, 40};
    ASSERT_EQ(setrlimit(RLIMIT_NOFILE, &descriptors), 0);
    ConnectionTable connections({.total = 1000, .per_client = 1000});
    for (int socket = 1000; socket < 1020; ++socket) {
      ASSERT_TRUE(connections.HasCapacity());
      connections.OnDispatch(
          connections.Add(socket, Address("192.0.2.1").get()));
    }
    EXPECT_FALSE(connections.HasCapacity());
  });
}

}  // namespace
}  // namespace jemalloc_exporter
