#ifndef JEMALLOC_EXPORTER_EXPORTER_CONNECTOR_NAMESPACE_SCAN_H_
#define JEMALLOC_EXPORTER_EXPORTER_CONNECTOR_NAMESPACE_SCAN_H_

#include <sys/types.h>

#include <cstddef>
#include <map>
#include <vector>

#include "exporter/connector/connect_request.h"
#include "exporter/http/file_descriptor.h"

namespace jemalloc_exporter {

/// The network namespaces of the processes in /proc. No descriptor of one is
/// kept, so that they end with their last process. Not thread-safe.
class NamespaceScan {
 public:
  /// The number in `ns/net` of this process.
  NamespaceScan();

  /// Reads `ns/net` of every process: 5 us for each.
  void Update();

  /// All but the own one.
  std::vector<NetworkNamespace> Others() const;

  /// Of all processes whose `ns/net` cannot be read: their network namespaces,
  /// less those that another process has. Known from the number of
  /// `net/unix`, which takes no right.
  std::size_t denied() const { return denied_; }

  /// The table `net/unix` of a namespace, of a process that is in it; none
  /// where its processes have ended.
  FileDescriptor OpenTable(NetworkNamespace network_namespace) const;

  /// The namespace itself, for setns(2). After the processes that are known
  /// have ended, calls `Update` where `can_update`. With errno when it cannot
  /// be opened; ESRCH where it has ended.
  FileDescriptor Open(NetworkNamespace network_namespace, bool can_update);

 private:
  // Of each namespace the first that /proc lists, which is the oldest, and the
  // last: one that ends meanwhile has a substitute.
  struct Members {
    pid_t first = 0;
    pid_t last = 0;
  };

  FileDescriptor OpenKnown(NetworkNamespace network_namespace) const;

  NetworkNamespace own_ = 0;
  std::map<NetworkNamespace, Members> members_;
  std::size_t denied_ = 0;
};

}  // namespace jemalloc_exporter

#endif  // JEMALLOC_EXPORTER_EXPORTER_CONNECTOR_NAMESPACE_SCAN_H_
