#include "exporter/connector/packet.h"

#include <sys/socket.h>

#include <algorithm>
#include <cerrno>

#include "exporter/agent/detail_request.h"
#include "exporter/http/wait_until_readable.h"

namespace jemalloc_exporter {
namespace {

using Clock = std::chrono::steady_clock;

constexpr std::size_t kControlSize = CMSG_SPACE(kMaxPacketItems * sizeof(int));

void TakeDescriptors(msghdr& message, std::vector<FileDescriptor>& taken) {
  for (cmsghdr* control = CMSG_FIRSTHDR(&message); control != nullptr;
       control = CMSG_NXTHDR(&message, control)) {
    if (control->cmsg_level != SOL_SOCKET || control->cmsg_type != SCM_RIGHTS) {
      continue;
    }
    int descriptors[kMaxPacketItems];
    const std::size_t size =
        std::min(control->cmsg_len - CMSG_LEN(0), sizeof(descriptors));
    std::memcpy(descriptors, CMSG_DATA(control), size);
    for (std::size_t i = 0; i < size / sizeof(int); ++i) {
      taken.emplace_back(descriptors[i]);
    }
  }
}

}  // namespace

std::uint16_t ToBits(HeapDetailSets sets) {
  unsigned bits = 0;
  unsigned bit = 1;
  for (const DetailWord& row : kDetailWords) {
    if (sets.*row.set) bits |= bit;
    bit <<= 1;
  }
  return static_cast<std::uint16_t>(bits);
}

HeapDetailSets ToSets(std::uint16_t bits) {
  HeapDetailSets sets;
  unsigned bit = 1;
  for (const DetailWord& row : kDetailWords) {
    sets.*row.set = (bits & bit) != 0;
    bit <<= 1;
  }
  return sets;
}

bool Packet::Receive(int socket, std::optional<Clock::time_point> deadline) {
  descriptors.clear();
  if (deadline && !WaitUntilReadable(socket, *deadline)) return false;
  descriptors.reserve(kMaxPacketItems);  // Taken ones must not be lost.
  iovec parts[] = {{&header, sizeof(header)}, {bytes_, sizeof(bytes_)}};
  alignas(cmsghdr) char control[kControlSize];
  msghdr message = {};
  message.msg_iov = parts;
  message.msg_iovlen = std::size(parts);
  message.msg_control = control;
  message.msg_controllen = sizeof(control);
  ssize_t size = 0;
  do {
    size = recvmsg(socket, &message, MSG_CMSG_CLOEXEC);
  } while (size < 0 && errno == EINTR);
  if (size < 0) return false;
  TakeDescriptors(message, descriptors);
  if (size < static_cast<ssize_t>(sizeof(header)) ||
      (message.msg_flags & MSG_TRUNC) != 0) {
    errno = size == 0 ? EPIPE : EBADMSG;
    return false;
  }
  size_ = static_cast<std::size_t>(size) - sizeof(header);
  return true;
}

bool SendPacket(int socket, const PacketHeader& header, const void* items,
                std::size_t size, const std::vector<int>& descriptors,
                bool can_block) {
  iovec parts[] = {{const_cast<PacketHeader*>(&header), sizeof(header)},
                   {const_cast<void*>(items), size}};
  msghdr message = {};
  message.msg_iov = parts;
  message.msg_iovlen = std::size(parts);
  alignas(cmsghdr) char control[kControlSize] = {};
  const std::size_t bytes = descriptors.size() * sizeof(int);
  if (!descriptors.empty()) {
    message.msg_control = control;
    message.msg_controllen = CMSG_SPACE(bytes);
    cmsghdr* const rights = CMSG_FIRSTHDR(&message);
    rights->cmsg_level = SOL_SOCKET;
    rights->cmsg_type = SCM_RIGHTS;
    rights->cmsg_len = CMSG_LEN(bytes);
    std::memcpy(CMSG_DATA(rights), descriptors.data(), bytes);
  }
  const int flags = MSG_NOSIGNAL | (can_block ? 0 : MSG_DONTWAIT);
  ssize_t sent = 0;
  do {
    sent = sendmsg(socket, &message, flags);
  } while (sent < 0 && errno == EINTR);
  return sent >= 0;
}

}  // namespace jemalloc_exporter
