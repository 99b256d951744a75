#ifndef JEMALLOC_EXPORTER_EXPORTER_PROCESS_PEER_CREDENTIALS_H_
#define JEMALLOC_EXPORTER_EXPORTER_PROCESS_PEER_CREDENTIALS_H_

#include <sys/socket.h>

#include <optional>

namespace jemalloc_exporter {

/// The process at the other end of a connected Unix socket, as the kernel knows
/// it (SO_PEERCRED): of a client the one that called listen(2), of an accepted
/// connection the one that called connect(2). Its pid is 0 where it is not
/// visible from this pid namespace.
inline std::optional<ucred> PeerCredentials(int socket) {
  ucred peer = {};
  socklen_t size = sizeof(peer);
  if (getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0) {
    return std::nullopt;
  }
  return peer;
}

}  // namespace jemalloc_exporter

#endif  // JEMALLOC_EXPORTER_EXPORTER_PROCESS_PEER_CREDENTIALS_H_
