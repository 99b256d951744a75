#include "exporter/connector/packet.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/socket.h>

#include <cerrno>
#include <string>

namespace jemalloc_exporter {
namespace {

using testing::SizeIs;

using Clock = std::chrono::steady_clock;

// The two ends of a stream of packets.
class PacketTest : public testing::Test {
 protected:
  PacketTest() {
    int ends[2];
    EXPECT_EQ(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends), 0);
    near_ = FileDescriptor(ends[0]);
    far_ = FileDescriptor(ends[1]);
  }

  bool SendBytes(std::size_t size) const {
    const std::string bytes(size, '\1');
    return send(far_.get(), bytes.data(), size, 0) ==
           static_cast<ssize_t>(size);
  }
  bool Receive() {
    return packet_.Receive(near_.get(),
                           Clock::now() + std::chrono::seconds(20));
  }

  FileDescriptor near_;
  FileDescriptor far_;
  Packet packet_;
};

TEST_F(PacketTest, HasTheHeaderTheItemsAndTheDescriptors) {
  const std::vector<NamespaceItem> items = {{7}, {8}};
  ASSERT_TRUE(SendPacket(far_.get(), {.type = PacketType::kList, .number = 3},
                         items, {far_.get(), far_.get()}, false));
  ASSERT_TRUE(Receive());
  EXPECT_EQ(packet_.header.type, PacketType::kList);
  EXPECT_EQ(packet_.header.number, 3U);
  const auto received = packet_.Items<NamespaceItem>();
  ASSERT_TRUE(received);
  ASSERT_THAT(*received, SizeIs(2));
  EXPECT_EQ(received->back().network_namespace, 8U);
  ASSERT_THAT(packet_.descriptors, SizeIs(2));
  for (const FileDescriptor& descriptor : packet_.descriptors) {
    EXPECT_EQ(fcntl(descriptor.get(), F_GETFD), FD_CLOEXEC);
  }
}

TEST_F(PacketTest, HasNoPartOfAnItem) {
  ASSERT_TRUE(SendBytes(sizeof(PacketHeader) + sizeof(ConnectItem) - 1));
  ASSERT_TRUE(Receive());
  EXPECT_FALSE(packet_.Items<ConnectItem>());
}

TEST_F(PacketTest, IsMalformedBelowAHeaderAndAboveTheItems) {
  for (const std::size_t size :
       {sizeof(PacketHeader) - 1,
        sizeof(PacketHeader) + kMaxPacketItems * sizeof(ConnectItem) + 1}) {
    ASSERT_TRUE(SendBytes(size));
    EXPECT_FALSE(Receive());
    EXPECT_EQ(errno, EBADMSG) << size;
  }
}

TEST_F(PacketTest, EndsWithTheStream) {
  far_ = FileDescriptor();
  EXPECT_FALSE(Receive());
  EXPECT_EQ(errno, EPIPE);
}

TEST_F(PacketTest, IsAwaitedUntilTheDeadline) {
  EXPECT_FALSE(packet_.Receive(near_.get(), Clock::now()));
  EXPECT_EQ(errno, EAGAIN);
}

TEST(PacketBits, HaveEachSet) {
  for (const HeapDetailSets sets :
       {HeapDetailSets{}, HeapDetailSets{.bins = true},
        HeapDetailSets{.sizes = true}, HeapDetailSets{.locks = true},
        HeapDetailSets{.arenas = true}, HeapDetailSets{.extents = true},
        HeapDetailSets::All()}) {
    EXPECT_EQ(ToSets(ToBits(sets)), sets);
  }
}

}  // namespace
}  // namespace jemalloc_exporter
