#include "web/connections.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/un.h>

#include <chrono>
#include <list>
#include <string>
#include <thread>

#include "web/file_descriptor.h"

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

class ConnectionsTest : public testing::Test {
 protected:
  // A connection of which this test has both ends.
  struct Both {
    Connections::Connection* kept;
    FileDescriptor ours;
    FileDescriptor theirs;

    bool IsCutOff() const {
      pollfd end{theirs.get(), POLLRDHUP, 0};
      return poll(&end, 1, 0) == 1;
    }
  };

  Both& Open(Connections& connections, const std::string& client) {
    int ends[2] = {-1, -1};
    EXPECT_EQ(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
    return opened_.emplace_back(
        Both{&connections.Add(ends[0], Address(client).get()),
             FileDescriptor(ends[0]), FileDescriptor(ends[1])});
  }

  static bool MakeRoom(Connections& connections, const std::string& client) {
    return connections.MakeRoom(Address(client).get());
  }

 private:
  std::list<Both> opened_;
};

TEST_F(ConnectionsTest, HaveRoomUpToTheirLimit) {
  Connections connections({.total = 2});
  Open(connections, "192.0.2.1");
  const Both& second = Open(connections, "192.0.2.2");
  EXPECT_TRUE(MakeRoom(connections, "192.0.2.3"));
  EXPECT_FALSE(second.IsCutOff());
}

TEST_F(ConnectionsTest, CutOffWhoHasWaitedForLongestWhereThereIsNoRoom) {
  Connections connections({.total = 2});
  const Both& first = Open(connections, "192.0.2.1");
  const Both& second = Open(connections, "192.0.2.2");
  EXPECT_TRUE(MakeRoom(connections, "192.0.2.3"));
  EXPECT_TRUE(first.IsCutOff());
  EXPECT_FALSE(second.IsCutOff());
}

TEST_F(ConnectionsTest, CutOffWhoHasHadNoAnswerBeforeWhoHas) {
  Connections connections({.total = 2,
                           .arrival = milliseconds(600'000),
                           .idle = milliseconds(300'000)});
  const Both& served = Open(connections, "192.0.2.1");
  const Both& stranger = Open(connections, "192.0.2.2");
  connections.Await(*served.kept);
  EXPECT_TRUE(MakeRoom(connections, "192.0.2.3"));
  EXPECT_FALSE(served.IsCutOff());
  EXPECT_TRUE(stranger.IsCutOff());
}

TEST_F(ConnectionsTest, CutOffNobodyTwice) {
  Connections connections({.total = 2});
  const Both& first = Open(connections, "192.0.2.1");
  const Both& second = Open(connections, "192.0.2.2");
  EXPECT_TRUE(MakeRoom(connections, "192.0.2.3"));
  EXPECT_TRUE(MakeRoom(connections, "192.0.2.3"));
  EXPECT_TRUE(first.IsCutOff());
  EXPECT_FALSE(second.IsCutOff());
}

TEST_F(ConnectionsTest, KeepWhoIsBeingWorkedOn) {
  Connections connections({.total = 1});
  const Both& only = Open(connections, "192.0.2.1");
  connections.Work(*only.kept);
  EXPECT_FALSE(connections.HasRoom());
  EXPECT_FALSE(MakeRoom(connections, "192.0.2.2"));
  EXPECT_FALSE(only.IsCutOff());
  connections.Leave(*only.kept);
  EXPECT_TRUE(connections.HasRoom());
  EXPECT_TRUE(MakeRoom(connections, "192.0.2.2"));
  EXPECT_TRUE(only.IsCutOff());
}

TEST_F(ConnectionsTest, HaveRoomWhereOneHasGone) {
  Connections connections({.total = 2, .per_client = 1});
  const Both& gone = Open(connections, "192.0.2.1");
  const Both& other = Open(connections, "192.0.2.2");
  connections.Remove(*gone.kept);
  EXPECT_TRUE(MakeRoom(connections, "192.0.2.1"));
  EXPECT_FALSE(other.IsCutOff());
}

TEST_F(ConnectionsTest, CutOffOneOfAClientThatHasTooMany) {
  Connections connections({.total = 100, .per_client = 2});
  const Both& other = Open(connections, "192.0.2.1");
  const Both& first = Open(connections, "192.0.2.2");
  const Both& second = Open(connections, "192.0.2.2");
  EXPECT_TRUE(MakeRoom(connections, "192.0.2.2"));
  EXPECT_TRUE(first.IsCutOff());
  EXPECT_FALSE(second.IsCutOff());
  EXPECT_FALSE(other.IsCutOff());
}

TEST_F(ConnectionsTest, RefuseAClientWhoseEveryConnectionIsBeingWorkedOn) {
  Connections connections({.total = 100, .per_client = 1});
  connections.Work(*Open(connections, "192.0.2.1").kept);
  EXPECT_FALSE(MakeRoom(connections, "192.0.2.1"));
  EXPECT_TRUE(MakeRoom(connections, "192.0.2.2"));
}

TEST_F(ConnectionsTest, TellClientsApartByIpv4AddressOrIpv6Network) {
  const auto are_one = [this](const std::string& a, const std::string& b) {
    Connections connections({.total = 100, .per_client = 1});
    connections.Work(*Open(connections, a).kept);
    return !MakeRoom(connections, b);
  };
  EXPECT_TRUE(are_one("192.0.2.1", "::ffff:192.0.2.1"));
  EXPECT_TRUE(are_one("2001:db8:1:2::1", "2001:db8:1:2:ffff::1"));
  EXPECT_FALSE(are_one("192.0.2.1", "192.0.2.2"));
  EXPECT_FALSE(are_one("::ffff:192.0.2.1", "::ffff:192.0.2.2"));
  EXPECT_FALSE(are_one("2001:db8:1:2::1", "2001:db8:1:3::1"));
  EXPECT_FALSE(are_one("", ""));
}

TEST_F(ConnectionsTest, CutOffWhoIsLateAndNobodyElse) {
  Connections connections({.arrival = milliseconds(0),
                           .departure = milliseconds(600'000),
                           .idle = milliseconds(600'000)});
  const Both& late = Open(connections, "192.0.2.1");
  const Both& working = Open(connections, "192.0.2.1");
  const Both& leaving = Open(connections, "192.0.2.1");
  const Both& waiting = Open(connections, "192.0.2.1");
  connections.Work(*working.kept);
  connections.Leave(*leaving.kept);
  connections.Await(*waiting.kept);
  connections.CutOffLate();
  EXPECT_TRUE(late.IsCutOff());
  EXPECT_FALSE(working.IsCutOff());
  EXPECT_FALSE(leaving.IsCutOff());
  EXPECT_FALSE(waiting.IsCutOff());
}

TEST_F(ConnectionsTest, GiveARequestItsTimeFromItsFirstPart) {
  Connections connections({.arrival = milliseconds(0),
                           .departure = milliseconds(600'000),
                           .idle = milliseconds(600'000)});
  const Both& idle = Open(connections, "192.0.2.1");
  const Both& beginning = Open(connections, "192.0.2.1");
  connections.Await(*idle.kept);
  connections.Await(*beginning.kept);
  connections.Arrive(*beginning.kept);
  connections.CutOffLate();
  EXPECT_FALSE(idle.IsCutOff());
  EXPECT_TRUE(beginning.IsCutOff());
}

TEST_F(ConnectionsTest, GiveARequestNoMoreTimeForEachOfItsParts) {
  Connections connections({.arrival = milliseconds(50)});
  const Both& dripping = Open(connections, "192.0.2.1");
  const auto opened = Connections::Clock::now();
  while (!dripping.IsCutOff()) {
    connections.Arrive(*dripping.kept);
    connections.CutOffLate();
    ASSERT_LT(Connections::Clock::now() - opened, std::chrono::seconds(30));
  }
}

TEST_F(ConnectionsTest, AreLookedAtAgainWhenTheNextIsLate) {
  using Clock = Connections::Clock;
  Connections connections({.arrival = milliseconds(600'000)});
  EXPECT_EQ(connections.CutOffLate(), Clock::time_point::max());
  const auto opened = Clock::now();
  Open(connections, "192.0.2.1");
  EXPECT_GE(connections.CutOffLate(), opened + milliseconds(600'000));
  EXPECT_LT(connections.CutOffLate(), opened + milliseconds(700'000));
}

}  // namespace
}  // namespace jemalloc_exporter
