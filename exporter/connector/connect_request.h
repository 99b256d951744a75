#ifndef JEMALLOC_EXPORTER_EXPORTER_CONNECTOR_CONNECT_REQUEST_H_
#define JEMALLOC_EXPORTER_EXPORTER_CONNECTOR_CONNECT_REQUEST_H_

#include <sys/types.h>

#include <cstdint>

#include "exporter/agent/protocol.h"
#include "exporter/http/file_descriptor.h"
#include "jemalloc_exporter/heap_details.h"

namespace jemalloc_exporter {

/// The number of a network namespace in `/proc/PID/ns/net`; 0: that of the
/// exporter.
using NetworkNamespace = std::uint64_t;

/// No user: connect as the user of the exporter.
inline constexpr uid_t kOwnUser = static_cast<uid_t>(-1);

/// One connection to an agent's socket.
struct ConnectRequest {
  NetworkNamespace network_namespace = 0;
  AgentAddress name;
  /// The user that the agent sees, in the exporter's user namespace.
  uid_t user = kOwnUser;
  /// The details to request.
  HeapDetailSets sets = {};
  /// Whether to connect to the socket for heap profiles.
  bool is_profile = false;
};

struct ConnectResult {
  /// Connected and non-blocking; none after an error.
  FileDescriptor descriptor;
  /// 0, or errno. Of connect(2), or of the system call with which the
  /// namespace was entered: ESRCH where the namespace has ended.
  int error = 0;
  /// Whether the namespace was entered, so that `error` is of the socket.
  bool is_entered = false;
  /// The details that are requested by the name of the socket.
  HeapDetailSets bound;
};

/// Connects a socket of the calling thread's network namespace, as its
/// effective user. Does not block.
ConnectResult ConnectSocket(const ConnectRequest& request);

}  // namespace jemalloc_exporter

#endif  // JEMALLOC_EXPORTER_EXPORTER_CONNECTOR_CONNECT_REQUEST_H_
