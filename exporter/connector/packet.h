#ifndef JEMALLOC_EXPORTER_EXPORTER_CONNECTOR_PACKET_H_
#define JEMALLOC_EXPORTER_EXPORTER_CONNECTOR_PACKET_H_

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <optional>
#include <vector>

#include "exporter/connector/connect_request.h"
#include "exporter/http/file_descriptor.h"

/// The packets between the server and its connector: a header, an array of
/// items, and descriptors. Both are the same program, so they are structures in
/// memory. The connector checks those of the server, which has no rights.
namespace jemalloc_exporter {

/// Descriptors, and items, of one packet: SCM_MAX_FD of the kernel.
inline constexpr std::size_t kMaxPacketItems = 253;

enum class PacketType : std::uint32_t { kStarted, kList, kConnect };

struct PacketHeader {
  PacketType type = PacketType::kStarted;
  /// Of a request, and of the packets that answer it.
  std::uint32_t number = 0;
  /// Whether no further packet answers the request.
  std::uint32_t is_last = 1;
  /// Of `kStarted` and `kList`: network namespaces that are not listed.
  std::uint32_t denied = 0;
  /// Of `kStarted`: permitted capabilities, and errno of setns(2) or 0.
  std::uint64_t capabilities = 0;
  std::int64_t setns_error = 0;
};

/// Item of a request `kConnect`: see `ConnectRequest`.
struct ConnectItem {
  std::uint64_t network_namespace = 0;
  std::int32_t pid = 0;
  std::int32_t instance = 0;
  std::uint32_t user = 0;
  std::uint16_t sets = 0;
  std::uint16_t is_profile = 0;
};

/// Item of its answer: see `ConnectResult`. With a descriptor if `error` is 0.
struct ConnectedItem {
  std::int32_t error = 0;
  std::uint16_t is_entered = 0;
  std::uint16_t sets = 0;
};

/// Item of an answer `kList`, with the descriptor of its socket table.
struct NamespaceItem {
  std::uint64_t network_namespace = 0;
};

/// One bit for each row of `kDetailWords`.
std::uint16_t ToBits(HeapDetailSets sets);
HeapDetailSets ToSets(std::uint16_t bits);

/// A received packet.
class Packet {
 public:
  PacketHeader header;
  std::vector<FileDescriptor> descriptors;

  /// Absent unless the packet has whole items of this type.
  template <typename Item>
  std::optional<std::vector<Item>> Items() const {
    if (size_ % sizeof(Item) != 0) return std::nullopt;
    std::vector<Item> items(size_ / sizeof(Item));
    if (size_ > 0) std::memcpy(items.data(), bytes_, size_);
    return items;
  }

  /// Waits for a packet until `deadline`, or without end. Returns false with
  /// errno when it receives no packet; EPIPE at the end of the stream, EBADMSG
  /// when it is malformed.
  bool Receive(int socket,
               std::optional<std::chrono::steady_clock::time_point> deadline);

 private:
  std::size_t size_ = 0;
  std::byte bytes_[kMaxPacketItems * sizeof(ConnectItem)];
};

/// Sends one packet. Returns false with errno, EAGAIN where it would have to
/// wait and `can_block` is false.
bool SendPacket(int socket, const PacketHeader& header, const void* items,
                std::size_t size, const std::vector<int>& descriptors,
                bool can_block);

template <typename Item>
bool SendPacket(int socket, const PacketHeader& header,
                const std::vector<Item>& items,
                const std::vector<int>& descriptors, bool can_block) {
  return SendPacket(socket, header, items.data(), items.size() * sizeof(Item),
                    descriptors, can_block);
}

}  // namespace jemalloc_exporter

#endif  // JEMALLOC_EXPORTER_EXPORTER_CONNECTOR_PACKET_H_
