#ifndef JEMALLOC_EXPORTER_SERVER_H_
#define JEMALLOC_EXPORTER_SERVER_H_

#include <prometheus/collectable.h>

#include <memory>
#include <string>
#include <vector>

namespace jemalloc_exporter {

/// Serves the metrics of this process over HTTP, with the interface of
/// `prometheus::Exposer`:
///
///     jemalloc_exporter::Server server("127.0.0.1:9464");
///     if (!server.ok()) std::cerr << server.error() << '\n';
///     auto heap = std::make_shared<jemalloc_exporter::HeapCollectable>();
///     server.RegisterCollectable(heap);
///
/// Responds to GET and HEAD in OpenMetrics 1.0 or the text format 0.0.4, as the
/// client prefers, with gzip for clients that accept it if the exposition has
/// at least 1,400 bytes. Each request collects anew, except that equal requests
/// that wait at the same time share one collection, which starts after all of
/// them are received. Up to 40 collections run at once. A request gets 503
/// after 25 ms in the queue if all 40 are blocked.
///
/// Idle, slow and silent clients delay no other. Timeouts: 10 s to receive a
/// request, 30 s to send a response, 90 s for an idle connection. At most 2,048
/// connections are open, 512 of one client, and no more than half of
/// RLIMIT_NOFILE. At a limit, a new connection evicts another one: first those
/// without a response so far, then by the earliest deadline.
///
/// If a collectable throws, the response is a 500 with the text of the
/// exception. The next request collects again.
///
/// In its host process it never throws on network errors, prints and logs
/// nothing, changes no signal disposition, and blocks all asynchronous signals
/// in its threads. These are named `je_exporter_web`: one runs the event loop,
/// the others are a worker pool that runs the collections. The first request
/// starts one worker. Further ones, up to 40, are started only while the queue
/// of the pool makes no progress for 2 ms. A worker that is idle for 10 s
/// exits. The library is shared and exports this class alone: the program may
/// use any version of Boost.
///
/// After fork() the server continues in the parent only. The child has none of
/// its threads and may only destroy its copy, which closes the child's copy of
/// the listening socket. Otherwise the port stays in use after the parent has
/// exited. All descriptors are close-on-exec. A process that becomes a daemon
/// must create its server afterwards.
///
/// Thread-safe, except for the destructor.
class __attribute__((visibility("default"))) Server {
 public:
  /// Listens on `address` and starts to serve:
  ///
  ///     127.0.0.1:9464   one address, or the first one that a name resolves to
  ///     [::1]:9464       an IPv6 address; `[::]` accepts IPv4, too
  ///     :9464            every address of the machine, IPv4 and IPv6
  ///     unix:/run/x.sock a Unix socket; its access is set by the umask, or by
  ///                      `,mode=0660,group=NAME` after the path
  ///
  /// Port 0 is any free port; see `GetListeningPorts`. Never throws on a
  /// failure, such as a busy port: see `ok`.
  explicit Server(const std::string& address);

  /// Closes the listening socket, waits for the running collections, sends
  /// their responses and closes all connections.
  ~Server();

  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  /// Whether the server is listening. Otherwise it does nothing, and `error`
  /// returns the reason.
  bool ok() const;

  /// The operation, the address and the reason of the failure, on one line:
  /// `cannot listen on 127.0.0.1:80: Permission denied`. Empty if `ok`.
  const std::string& error() const;

  /// Adds `collectable` to those at `path`. Families of the same name are
  /// merged. Paths are compared exactly, without the query; a path that was
  /// never registered gets 404.
  ///
  /// The server does not own the collectable. A destroyed one is omitted.
  void RegisterCollectable(
      const std::weak_ptr<prometheus::Collectable>& collectable,
      const std::string& path = "/metrics");

  /// Removes `collectable` from `path`. A request in progress may still collect
  /// it.
  void RemoveCollectable(
      const std::weak_ptr<prometheus::Collectable>& collectable,
      const std::string& path = "/metrics");

  /// The port that the server listens on, as a list like that of
  /// `prometheus::Exposer`. Empty unless `ok`, and for a Unix socket.
  std::vector<int> GetListeningPorts() const;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace jemalloc_exporter

#endif  // JEMALLOC_EXPORTER_SERVER_H_
