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
/// Responds to GET and HEAD in OpenMetrics 1.0 or the text format 0.0.4, as the
/// client prefers, with gzip for clients that accept it if the exposition has
/// at least 1,400 bytes. Each request collects anew, several at once; one that
/// finds 40 collections blocked for 25 ms gets 503. Idle, slow and silent
/// clients delay no other: a request has 10 s to arrive, a response 30 s to be
/// read, and an idle connection is closed after 90 s. At most 2,048 connections
/// are open, 512 of one client, and no more than half of RLIMIT_NOFILE; a new
/// one evicts the one with the earliest deadline.
///
/// A collectable that throws turns the response into a 500 with the text of the
/// exception; the next request collects again.
///
/// For its host process: never throws because of the network, prints and logs
/// nothing, changes no signal disposition, and blocks all asynchronous signals
/// in its threads. These are called `je_exporter_web`: one for the network, one
/// that collects, and one more for each collection that blocks. A thread that
/// has been idle for 10 s ends. The library is shared and exports this class
/// alone: the program may use any version of Boost.
///
/// After fork() the server continues in the parent only. The child has none of
/// its threads and may only destroy its copy, which closes the child's copy of
/// the listening socket; otherwise that keeps the port in use after the parent
/// has ended. A program that is exec'd inherits nothing. A process that becomes
/// a daemon must create its server afterwards.
///
/// Thread-safe, except for being destroyed.
class __attribute__((visibility("default"))) Server {
 public:
  /// Listens on `address`, and answers from then on:
  ///
  ///     127.0.0.1:9464   one address, or the first one that a name stands for
  ///     [::1]:9464       an IPv6 address; `[::]` takes IPv4 clients too
  ///     :9464            every address of the machine, IPv4 and IPv6
  ///     unix:/run/x.sock a Unix socket with the access that the umask allows, or
  ///                      that `,mode=0660,group=NAME` after the path sets
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
