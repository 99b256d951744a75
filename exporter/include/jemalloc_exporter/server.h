#ifndef JEMALLOC_EXPORTER_SERVER_H_
#define JEMALLOC_EXPORTER_SERVER_H_

#include <prometheus/collectable.h>

#include <memory>
#include <string>
#include <vector>

namespace jemalloc_exporter {

/// Serves the metrics of this process over HTTP. To be used as
/// `prometheus::Exposer` is:
///
///     jemalloc_exporter::Server server("127.0.0.1:9464");
///     if (!server.ok()) std::cerr << server.error() << '\n';
///     auto heap = std::make_shared<jemalloc_exporter::HeapCollectable>();
///     server.RegisterCollectable(heap);
///
/// Answers GET and HEAD in OpenMetrics 1.0 or the text format 0.0.4, whichever
/// the client prefers, packed with gzip where it asks for that and the page has
/// some size. Each request collects anew, requests at the same time do so side
/// by side; beyond 40 at a time the answer is a 503. Idle, slow and silent
/// clients delay nobody: a request has 10 seconds to arrive and an answer 30 to
/// leave, and a connection without a request is closed after 90. It keeps 2,048
/// connections at most, 512 of one client, and no more than half of the file
/// descriptors that the process may open; a newcomer takes the place of the one
/// that has waited for longest.
///
/// A collectable that throws turns the whole page into a 500 that tells the
/// reason; the next request asks it again.
///
/// It is a guest in the process: it never throws on account of the network,
/// prints or logs nothing, touches no signal disposition and blocks the
/// process's signals in its threads. These are called `je_exporter_web`; there
/// are two, and for a while one more for each page that was slow to collect at
/// the same time.
///
/// After fork() the server goes on in the parent only. The child has none of
/// its threads and must not use its copy, except to destroy it: that closes the
/// child's copy of the listening socket, which otherwise keeps the port taken
/// after the parent's end. A program that is exec'd inherits nothing. A process
/// that becomes a daemon must make its server afterwards.
///
/// Thread-safe, except for being destroyed.
class __attribute__((visibility("default"))) Server {
 public:
  /// Listens on `address`, and answers from then on:
  ///
  ///     127.0.0.1:9464   one address, or the first one that a name stands for
  ///     [::1]:9464       an IPv6 address; `[::]` takes IPv4 clients too
  ///     :9464            every address of the machine, IPv4 and IPv6
  ///     unix:/run/x.sock a Unix socket, where the umask says who may connect
  ///
  /// Port 0 is any free port; see `GetListeningPorts`. Never throws on a
  /// failure, such as a busy port: see `ok`.
  explicit Server(const std::string& address);

  /// Stops listening, waits for the collectables that are being asked, answers
  /// those requests and closes all connections.
  ~Server();

  Server(const Server&) = delete;
  Server& operator=(const Server&) = delete;

  /// Whether the server answers. Otherwise it does nothing, and `error` tells
  /// why.
  bool ok() const;

  /// What went wrong, where and why, on one line:
  /// `cannot listen on 127.0.0.1:80: Permission denied`. Empty if `ok`.
  const std::string& error() const;

  /// Shows the metrics of `collectable` at `path` from now on, beside those
  /// that are shown there already. Families of the same name are merged. A path
  /// without a collectable is answered with 404; it is compared exactly, only a
  /// query is ignored.
  ///
  /// The server does not keep the collectable alive. One that is gone is left
  /// out.
  void RegisterCollectable(
      const std::weak_ptr<prometheus::Collectable>& collectable,
      const std::string& path = "/metrics");

  /// No longer shows `collectable` at `path`; a request under way may still do
  /// so.
  void RemoveCollectable(
      const std::weak_ptr<prometheus::Collectable>& collectable,
      const std::string& path = "/metrics");

  /// The port that the server listens on, as a list for the sake of
  /// `prometheus::Exposer`. Empty unless `ok`, and of a Unix socket.
  std::vector<int> GetListeningPorts() const;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace jemalloc_exporter

#endif  // JEMALLOC_EXPORTER_SERVER_H_
